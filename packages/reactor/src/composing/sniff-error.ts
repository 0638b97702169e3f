/** A peer whose first bytes are of no protocol that is spoken here. */
import { SluiceError } from '../errors.ts';

/** A peer whose first bytes are of no protocol that is spoken here. */
export class SniffError extends SluiceError {
  constructor(problem: string) {
    super(
      'ERR_SNIFF',
      `Nobody wants this connection: ${problem}. Give sniff() a protocol for such peers (otherwise).`,
    );
  }
}
