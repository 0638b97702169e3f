import { expect, test } from 'vitest';
import { loadDrawing, picture } from '../../tools/documentation/src/diagrams.mjs';

const drawing = await loadDrawing();

test('a state diagram becomes a picture in the colours of its page, with the words of the states', () => {
  const svg = picture(
    drawing,
    'stateDiagram-v2\n  ready --> wants_read: want-read\n  wants_read --> ready\n',
  );
  expect(svg).toMatch(/^<figure class="state-diagram"><svg style="min-width: \d+px" /);
  expect([...svg.matchAll(/>([^<>]+)<\/text>/g)].map(([, text]) => text.trim()).sort()).toEqual([
    'ready',
    'want-read',
    'wants-read',
  ]);
  expect(svg).not.toContain('black');
});

test.each([
  ['flowchart TD\n  a --> b', "Only stateDiagram-v2 is drawn, not 'flowchart TD'."],
  ['stateDiagram-v2\n  state a {', "A state diagram has a line that is no transition: 'state a {'."],
])('what cannot be drawn is refused: %j', (diagram, message) => {
  expect(() => picture(drawing, diagram)).toThrow(message);
});
