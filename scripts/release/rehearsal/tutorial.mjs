import { NotRun } from '../../checks.mjs';

export function followTutorial() {
  throw new NotRun('not written yet');
}
