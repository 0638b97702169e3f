// What the exports of each entry point are for: the headings of docs/api.md and of the site.
// Rule: every export is in exactly one group; a test says which one is not.

/** By entry, in the order in which they are shown: `[heading, names]`. */
export const API_GROUPS = {
  '@sluice/reactor': [
    [
      'Listen and connect',
      'createReactor Reactor ReactorOptions Server ListenOptions TcpListenOptions UnixListenOptions PassedListenOptions ConnectOptions TcpConnectOptions UnixConnectOptions TcpOptions KeepAlive SendBufferOptions systemdListenFds PassedDescriptor ShutdownReport',
    ],
    [
      'Protocols and their connections',
      'Protocol Connection CloseReason Lifecycle ReadHalf WriteHalf UpgradeOptions SocketAddress TcpInfo TcpState',
    ],
    ['Limits and deadlines', 'DEFAULT_LIMITS Limits LimitName Timeouts Deadline OpenDeadline'],
    [
      'Framing',
      'lines LineOptions delimited lengthPrefixed LengthPrefixOptions FrameOptions FrameEncoding FrameReader OnFrame OnBroken Framing WritableFraming',
    ],
    [
      'Protocols as streams and generators',
      'fromAsync AsyncHandler AsyncConnection toDuplex fromDuplex ConnectionDuplex ToDuplexOptions DuplexOptions DuplexAddress toWebStreams fromWebStreams WebStreams',
    ],
    ['Several protocols on one port', 'sniff SniffOptions SniffChooser startsWith wrap CompleteProtocol'],
    [
      'Files',
      'openFile SharedFile SharedFileFacts openFolder Folder SendableFile SendFileOptions partOfFile',
    ],
    ['Seeing inside', 'ReactorStats Counters DiagnosticMessages'],
    [
      'Errors',
      'SluiceError UsageError SystemError HostError ConnectError SocketPathError TimeoutError LimitError DestroyedError ClosedError FrameError SniffError FileError FileErrorCode IllegalTransitionError',
    ],
    ['Transports', 'ServerTransport ClientTransport Transport'],
    ['Checking options', 'checkOptionNames booleanOption integerOption'],
  ],
  '@sluice/reactor/transport': [
    [
      'Writing a transport',
      'Progress Status NOT_BATCHED TransportFailure plain endSocket socketFailure sendFileFailure',
    ],
    ['Adding to connections', 'extendConnections'],
  ],
  '@sluice/reactor/testing': [
    [
      'Connections in memory',
      'testConnection TestConnectionOptions TestPeer connectedPair ConnectedPair ConnectedPairOptions PairedEnd MemoryNetwork WireOptions',
    ],
    [
      'Conformance suites',
      'testProtocol ProtocolSuite ProtocolScript testTransport TransportSuite TransportPair TransportEnd PairOptions overLoopback LoopbackTransports testPoller PollerSuite PollerDriver PolledEnd testDuplex DuplexSuite DuplexPair DuplexPairOptions TestFunction',
    ],
    [
      'Fakes, for any schedule',
      'timedReactor Harness Reactor ReactorParts Clock FakeClock Disk FakeDisk FakeFile FileFacts Poller FakePoller Registration Ready Sockets FakeSockets FakeTransport ReadAnswer WriteAnswer',
    ],
  ],
  '@sluice/tls': [
    [
      'Transports and their contexts',
      'tls TlsOptions TlsServerTransport TlsServerSettings tlsContext TlsContextOptions TlsContext sniContexts SniContexts SniOptions tlsClient TlsClientOptions TlsClientTransport EarlyDataOptions TlsVersions RenegotiationOptions RenegotiationLimit',
    ],
    ['Plain text and TLS on one port', 'startTls StartTlsOptions tlsOrPlain TlsOrPlainOptions'],
    [
      'Who we are',
      'IdentityOptions TlsIdentity PemIdentity Pkcs12Identity Pem readPemFileSync checkIdentity watchPemFiles PemFiles PemPair PemWatcher PemWatchOptions ClientPsk ServerPsk',
    ],
    [
      'Who the peer is',
      'TlsConnection TlsPeer TrustOptions ServerTrustOptions ClientCertificates VerifyPeer ClientHello ClientHelloHook HelloAnswer Codepoint',
    ],
    ['Tickets', 'ticketKeys TicketKeys TicketKeysOptions'],
    [
      'Seeing inside',
      'tlsStats TlsStats SessionStats TlsDiagnosticMessages keyLogFile KeyLogListener KeyLogOptions',
    ],
    [
      'Errors',
      'TlsError TlsErrorCode VerificationErrorCode TlsErrorDetails TlsFault TlsAlert TlsContextError TlsContextErrorCode TlsRefusedError TlsAlertName TlsUsageError TlsUsageErrorCode',
    ],
  ],
  '@sluice/http-lite': [
    [
      'Serving requests',
      'http HttpProtocol HttpOptions HttpState HttpHandler HttpRequest RequestBody HttpHeaders HttpResponse InterimFields HttpUpgradeOptions statusText',
    ],
    ['With the types of the web', 'fetchHandler FetchHandler FetchContext LightResponse'],
    ['Files', 'FileAnswerOptions fileResponse FileResponseInit fileErrorStatus'],
    ['Limits and counts', 'DEFAULT_HTTP_LIMITS HttpLimits HttpLimitName HttpStats'],
    [
      'Errors',
      'HttpRequestError HttpRequestErrorCode HttpRequestErrorOptions HTTP_REQUEST_ERROR_STATUS HttpPeerError HttpPeerErrorCode HttpUsageError HttpUsageErrorCode',
    ],
  ],
  '@sluice/echo': [['The reference protocol', 'echo EchoState']],
  '@sluice/create-protocol': [
    ['What the command does', 'createProtocol CreatedProtocol'],
    ['Errors', 'CreateError CreateErrorCode'],
  ],
  '@sluice/core-native': [
    [
      'Loading',
      'loadNative NativeBinding NativeFeatures NativeKernelTlsAbility NativeLiveObjects NativeTlsCounts',
    ],
    [
      'Readiness and sockets',
      'NativeEpoll Interest Ready EVENT_FIELDS NativeBatchCalls BATCH_FIELDS SocketAddress SocketOption SocketOptions TcpInfo TcpState',
    ],
    ['Results', 'Status StatusCode NativeFailure'],
    ['Files', 'NativeFileCalls FILE_FACTS'],
    [
      'TLS',
      'NativeTlsContext NativeTlsContextOptions NativeTlsIdentity NativeTlsNames NativeTlsSession NativeTlsSessionOptions NativeTlsInfo NativeVerification NativeKernelTls NativeEarlyData NativePsk NativeTicketKeys NativeSessionStats Outcome READ_MORE RESUMPTIONS',
    ],
    ['Errors', 'SluiceError SystemError NativeLoadError NativeLoadErrorCode'],
  ],
  '@sluice/core-native/testing': [
    [
      'Fault injection',
      'faultInjection FaultInjection FaultInjectionOptions FaultControl FaultRates Fault FAULTS BENIGN BENIGN_FAULTS HOSTILE HOSTILE_FAULTS',
    ],
    ['Errors', 'FaultInjectionError FaultInjectionErrorCode'],
  ],
};

/** The heading of an export, or undefined where it is in no group. */
export function groupOf(entry, name) {
  return groupsOf(entry).find(({ names }) => names.includes(name))?.heading;
}

/** The groups of an entry: `{ heading, names }`. */
export function groupsOf(entry) {
  return (API_GROUPS[entry] ?? []).map(([heading, names]) => ({ heading, names: names.split(' ') }));
}
