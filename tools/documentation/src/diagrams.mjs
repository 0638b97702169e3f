// Mermaid's state diagrams, drawn as SVG when the site is built.
// Rule: what cannot be drawn fails the build. The pictures take their colours from the page, so that they fit dark ones too.
import { instance } from '@viz-js/viz';

const TRANSITION = /^(\S+) --> (\S+?)(?:\s*:\s*(.+))?$/;

/** Resolves with what {@link drawDiagrams} needs. */
export function loadDrawing() {
  return instance();
}

/** Makes the parser of the site (markdown-it) show blocks of `mermaid` as pictures. */
export function drawDiagrams(parser, drawing) {
  const { fence } = parser.renderer.rules;
  parser.renderer.rules.fence = (tokens, index, ...rest) => {
    const { info, content } = tokens[index];
    return info.trim() === 'mermaid' ? picture(drawing, content) : fence(tokens, index, ...rest);
  };
}

/** The picture of one diagram. Throws for anything but `stateDiagram-v2` with transitions. */
export function picture(drawing, diagram) {
  const svg = drawing.renderString(stateGraph(diagram), { format: 'svg' });
  return `<figure class="state-diagram">${coloured(svg.slice(svg.indexOf('<svg')))}</figure>\n`;
}

/** The same graph in the language of Graphviz. */
export function stateGraph(diagram) {
  const [kind, ...lines] = diagram
    .trim()
    .split('\n')
    .map((line) => line.trim());
  if (kind !== 'stateDiagram-v2') throw new Error(`Only stateDiagram-v2 is drawn, not '${kind}'.`);
  const edges = lines.map((line) => {
    const [, from, to, label] = TRANSITION.exec(line) ?? [];
    if (from === undefined) throw new Error(`A state diagram has a line that is no transition: '${line}'.`);
    const edge = `${quoted(from)} -> ${quoted(to)}`;
    return label === undefined ? `${edge};` : `${edge} [label=${quoted(` ${label} `)}];`;
  });
  return `digraph {
    graph [bgcolor=transparent, rankdir=TB, nodesep=0.2, ranksep=0.55, fontname="Helvetica"];
    node [shape=box, style=rounded, fontname="Helvetica", fontsize=13, height=0.4, margin="0.16,0.06"];
    edge [fontname="Helvetica", fontsize=11, arrowsize=0.7];
    ${edges.join('\n    ')}
  }`;
}

function quoted(text) {
  return `"${text.replaceAll('_', '-').replaceAll('"', '\\"')}"`;
}

/** Shrunk beyond this its words cannot be read: it is moved about in its frame instead. */
const LEAST_SCALE = 0.7;

function coloured(svg) {
  const [, widthPt] = /width="([\d.]+)pt"/.exec(svg);
  const minWidthPx = Math.round((LEAST_SCALE * widthPt * 4) / 3);
  return svg
    .replace('<svg ', `<svg style="min-width: ${minWidthPx}px" `)
    .replace(/<title>[^<]*<\/title>\n?/g, '')
    .replace(/<!--[^>]*-->\n?/g, '')
    .replaceAll('&#45;', '-')
    .replaceAll('stroke="black"', 'stroke="currentColor"')
    .replaceAll('fill="black"', 'fill="currentColor"')
    .replaceAll('<text ', '<text fill="currentColor" ');
}
