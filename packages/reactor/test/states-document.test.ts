import { expect, test } from 'vitest';
import { statesDocument } from './support/states-document.ts';

test('docs/states.md says what the tables say', async () => {
  await expect(statesDocument()).toMatchFileSnapshot('../../../docs/states.md');
});
