/** What one client of a run was to get, and got. */
import type { CloseReason } from '@sluice/reactor';

export interface Outcome {
  /** `echo over tls 3`, for messages. */
  readonly name: string;
  /** Everything came that was to come, and the connection ended clean. */
  readonly complete: boolean;
  /** What came is not what was sent, nor the beginning of it. */
  readonly damage: string | undefined;
  /** Why the connection closed, or did not open. */
  readonly reason: CloseReason | 'not connected';
  readonly cause: Error | undefined;
}
