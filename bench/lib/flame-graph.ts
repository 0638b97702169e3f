/**
 * Flame graphs as SVG: each frame as wide as its part of the samples, callers below; callees side by side, by name.
 *
 * Rule: the same stacks give the same text, it is readable on a light page and on a dark one, and runs no script: the whole
 * name of a frame is its tooltip.
 */
import type { FoldedStacks } from './folded-stacks.ts';

const WIDTH = 1200;
const ROW = 16;
const HEADER = 44;
const CHARACTER_WIDTH = 6.2;
/** Narrower frames are left out, with all above them: nobody can read them. */
const LEAST_WIDTH = 1.2;

interface Frame {
  readonly name: string;
  samples: number;
  readonly callees: Map<string, Frame>;
}

type Kind = 'kernel' | 'addon' | 'js' | 'node';

/** What a colour means, in the order of the legend. */
const LEGEND: Readonly<Record<Kind, string>> = {
  kernel: 'kernel',
  addon: 'the addon and OpenSSL',
  js: 'JavaScript',
  node: 'V8, Node, libuv, libc',
};

const STYLE = `
    text { font: 11px ui-monospace, monospace; fill: #1f2328 }
    .title { font: 600 13px system-ui, sans-serif }
    .note { font: 12px system-ui, sans-serif }
    rect { stroke: #ffffff; stroke-width: 0.5 }
    .kernel { fill: #f0a58f } .addon { fill: #8fc7a1 } .js { fill: #f2d27c } .node { fill: #a9c1e8 }
    @media (prefers-color-scheme: dark) {
      .title, .note { fill: #d1d7e0 }
      rect { stroke: #0d1117 }
    }
  `;

/** The text of an SVG file. */
export function flameGraph(title: string, stacks: FoldedStacks): string {
  const root = treeOf(stacks);
  const boxes: string[] = [];
  const depth = deepest(root);
  const height = HEADER + depth * ROW + 8;
  const scale = WIDTH / Math.max(root.samples, 1);
  const draw = (frame: Frame, left: number, level: number) => {
    const width = frame.samples * scale;
    if (width < LEAST_WIDTH) return;
    if (level > 0) boxes.push(box(frame, left, height - 8 - level * ROW, width, root.samples));
    let at = left;
    for (const callee of inOrder(frame)) {
      draw(callee, at, level + 1);
      at += callee.samples * scale;
    }
  };
  draw(root, 0, 0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `  <title>${escaped(title)}</title>`,
    `  <style>${STYLE}</style>`,
    `  <text class="title" x="4" y="15">${escaped(title)}, ${root.samples} samples</text>`,
    ...legend(),
    ...boxes,
    '</svg>',
    '',
  ].join('\n');

  function deepest(frame: Frame): number {
    const wide = [...frame.callees.values()].filter(
      ({ samples }) => samples * (WIDTH / root.samples) >= LEAST_WIDTH,
    );
    return 1 + Math.max(0, ...wide.map(deepest));
  }
}

function treeOf(stacks: FoldedStacks): Frame {
  const root: Frame = { name: '', samples: 0, callees: new Map() };
  for (const [stack, samples] of stacks) {
    root.samples += samples;
    let frame = root;
    for (const name of stack.split(';')) {
      let callee = frame.callees.get(name);
      if (callee === undefined) {
        callee = { name, samples: 0, callees: new Map() };
        frame.callees.set(name, callee);
      }
      callee.samples += samples;
      frame = callee;
    }
  }
  return root;
}

function inOrder({ callees }: Frame): Frame[] {
  return [...callees.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

function box({ name, samples }: Frame, left: number, top: number, width: number, all: number): string {
  const kind = kindOf(name);
  const label = name.replace(/ \[(kernel|addon|js)\]$/, '');
  const part = ((samples / all) * 100).toFixed(1);
  const room = Math.floor((width - 4) / CHARACTER_WIDTH);
  const shown = room < 3 ? '' : label.length > room ? `${label.slice(0, room - 1)}…` : label;
  const text =
    shown === '' ? '' : `<text x="${(left + 2).toFixed(1)}" y="${top + 12}">${escaped(shown)}</text>`;
  return `  <g><title>${escaped(label)}: ${part} %</title><rect class="${kind}" x="${left.toFixed(1)}" y="${top}" width="${width.toFixed(1)}" height="${ROW - 1}"/>${text}</g>`;
}

function kindOf(name: string): Kind {
  const mark = / \[(kernel|addon|js)\]$/.exec(name)?.[1];
  return mark === undefined ? 'node' : (mark as Kind);
}

function legend(): string[] {
  return Object.entries(LEGEND).map(([kind, meaning], index) => {
    const left = 4 + index * 180;
    return `  <rect class="${kind}" x="${left}" y="22" width="12" height="12"/><text class="note" x="${left + 18}" y="32">${meaning}</text>`;
  });
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
