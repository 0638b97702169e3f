/** What the model needs to know of the reactor's limits. */
export interface Marks {
  readonly highWaterMarkBytes: number;
  readonly lowWaterMarkBytes: number;
  readonly maxQueuedBytes: number;
  readonly handshakeTimeoutMs: number;
  readonly connectTimeoutMs: number;
}
