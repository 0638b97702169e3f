export * from '@sluice-internal/certificates';
