/** The ciphers of either version that a kernel may seal, one at a time. */
export const OFFLOADABLE_SUITES = [
  { maxVersion: 'TLSv1.3', cipherSuites: 'TLS_AES_128_GCM_SHA256' },
  { maxVersion: 'TLSv1.3', cipherSuites: 'TLS_AES_256_GCM_SHA384' },
  { maxVersion: 'TLSv1.3', cipherSuites: 'TLS_CHACHA20_POLY1305_SHA256' },
  { maxVersion: 'TLSv1.2', ciphers: 'ECDHE+AESGCM+AES128' },
  { maxVersion: 'TLSv1.2', ciphers: 'ECDHE+AESGCM+AES256' },
  { maxVersion: 'TLSv1.2', ciphers: 'ECDHE+CHACHA20' },
] as const;
