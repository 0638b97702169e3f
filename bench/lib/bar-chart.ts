/**
 * Bar charts as SVG: groups of horizontal bars, each group on a scale of its own that begins at zero.
 *
 * Rule: the same figures give the same text, and what is drawn is readable on a light page and on a dark one.
 */

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The spread, drawn as a line across the end of the bar. */
  readonly min: number;
  readonly max: number;
  /** Whether it is what the reader looks for. */
  readonly isOurs: boolean;
}

export interface BarGroup {
  readonly name: string;
  readonly bars: readonly Bar[];
}

export interface BarChart {
  readonly title: string;
  /** Decimal places of the figures. */
  readonly digits: number;
  readonly groups: readonly BarGroup[];
}

const WIDTH = 720;
const LABEL_WIDTH = 150;
const FIGURE_WIDTH = 80;
const BAR_WIDTH = WIDTH - LABEL_WIDTH - FIGURE_WIDTH;
const BAR_HEIGHT = 14;
const ROW = 20;
const HEADING = 34;
const TITLE = 24;
/** From the top of a bar to where its text stands. */
const BASELINE = 11;

/** Both kinds of pages: an image knows what its reader prefers, also where it is embedded. */
const STYLE = `
    text { font: 12px system-ui, sans-serif; fill: #24292f }
    .heading { font-weight: 600 }
    .ours { fill: #0969da }
    .theirs { fill: #9aa4af }
    .spread { stroke: #24292f; stroke-width: 1.5 }
    @media (prefers-color-scheme: dark) {
      text { fill: #d1d7e0 }
      .ours { fill: #4493f8 }
      .theirs { fill: #656c76 }
      .spread { stroke: #d1d7e0 }
    }
  `;

/** The text of an SVG file. Bars without a figure are left out. */
export function barChart({ title, digits, groups }: BarChart): string {
  let top = TITLE;
  const body = groups.flatMap((group) => {
    const drawn = group.bars.filter(({ value }) => Number.isFinite(value));
    const lines = drawGroup({ ...group, bars: drawn }, digits, top);
    top += HEADING + drawn.length * ROW;
    return lines;
  });
  const height = top + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `  <title>${escaped(title)}</title>`,
    `  <style>${STYLE}</style>`,
    `  <text class="heading" x="0" y="14">${escaped(title)}</text>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

function drawGroup({ name, bars }: BarGroup, digits: number, top: number): string[] {
  const scale = BAR_WIDTH / Math.max(...bars.map(({ max }) => max), Number.MIN_VALUE);
  const first = top + HEADING - BAR_HEIGHT + 8;
  return [
    `  <text class="heading" x="0" y="${top + HEADING - 15}">${escaped(name)}</text>`,
    ...bars.flatMap((bar, row) => drawBar(bar, digits, scale, first + row * ROW)),
  ];
}

function drawBar(
  { label, value, min, max, isOurs }: Bar,
  digits: number,
  scale: number,
  y: number,
): string[] {
  const at = (figure: number) => (LABEL_WIDTH + figure * scale).toFixed(1);
  const middle = y + BAR_HEIGHT / 2;
  return [
    `  <text x="${LABEL_WIDTH - 8}" y="${y + BASELINE}" text-anchor="end">${escaped(label)}</text>`,
    `  <rect class="${isOurs ? 'ours' : 'theirs'}" x="${LABEL_WIDTH}" y="${y}" width="${(value * scale).toFixed(1)}" height="${BAR_HEIGHT}" rx="2"/>`,
    `  <line class="spread" x1="${at(min)}" y1="${middle}" x2="${at(max)}" y2="${middle}"/>`,
    `  <text x="${(LABEL_WIDTH + max * scale + 6).toFixed(1)}" y="${y + BASELINE}">${value.toFixed(digits)}</text>`,
  ];
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
