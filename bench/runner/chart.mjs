import { describe } from './select.mjs';
import { short } from './format.mjs';

/**
 * Bars in small panels, one workload each. Every panel has its own scale: the question is which client is how much faster at
 * this workload, not how gets compare with multi-gets.
 *
 * The picture stands in documents that are read in light and in dark mode, as an image: it brings its own background, and
 * follows the reader's preference where the viewer passes it on.
 */
const COLUMNS = 4;
const NAMES = 166; // the clients' names, beside each row of panels
const PANEL = { width: 188, title: 40, bar: 14, gap: 4, bottom: 20 };
const FIGURE = 54; // room for the figure at the end of the longest bar
const MARGIN = 16;
const HEADER = 62;

const style = `
text { fill: #1f2328 }
.surface { fill: #ffffff; stroke: #d1d9e0 }
.note { fill: #59636e }
.strong { font-weight: 600 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .surface { fill: #0d1117; stroke: #3d444d }
  .note { fill: #9198a1 }
}`;

export function chart({ workloads, participants, summaries, machine }) {
  const clients = participants.filter(({ isReference }) => !isReference);
  const rows = [];
  for (let at = 0; at < workloads.length; at += COLUMNS) rows.push(workloads.slice(at, at + COLUMNS));
  const rowHeight = PANEL.title + clients.length * (PANEL.bar + PANEL.gap) + PANEL.bottom;
  const width = 2 * MARGIN + NAMES + COLUMNS * PANEL.width;
  const height = HEADER + rows.length * rowHeight;
  const drawn = rows.map(
    (row, index) =>
      `<g transform="translate(${MARGIN} ${HEADER + index * rowHeight})">\n${panels(row, clients, summaries)}\n</g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description" font-family="system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', sans-serif" font-size="12">
<title id="title">Operations per second of memcached clients for Node.js</title>
<desc id="description">${escape(inWords(workloads, clients, summaries))}</desc>
<style>${style}
</style>
<rect class="surface" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>
<text class="strong" x="${MARGIN}" y="26" font-size="14">Operations per second</text>
<text class="note" x="${MARGIN}" y="44">Longer is better; each panel has its own scale. One memcached; ${escape(machine.machine)}, ${escape(machine.date)}.</text>
${drawn.join('\n')}
</svg>
`;
}

function panels(workloads, clients, summaries) {
  const names = clients.map(
    ({ title, ours }, at) => `<text y="${baseline(at)}"${ours ? ' class="strong"' : ''}>${escape(title)}</text>`,
  );
  const columns = workloads.map(
    (workload, at) =>
      `<g transform="translate(${NAMES + at * PANEL.width} 0)">\n${panel(workload, clients, summaries)}\n</g>`,
  );
  return [...names, ...columns].join('\n');
}

function panel(workload, clients, summaries) {
  const rates = clients.map((client) => rateOf(summaries, workload, client));
  const most = Math.max(...rates.map((rate) => rate ?? 0), 1);
  const room = PANEL.width - FIGURE - MARGIN;
  const bars = clients.map(({ colour }, at) => {
    const length = ((rates[at] ?? 0) / most) * room;
    const y = baseline(at) - PANEL.bar + 3;
    const bar = `<rect y="${y}" width="${length.toFixed(1)}" height="${PANEL.bar}" rx="2" fill="${colour}"/>`;
    return `${bar}<text x="${(length + 5).toFixed(1)}" y="${baseline(at)}">${short(rates[at])}</text>`;
  });
  const [operation, load = ''] = describe(workload).split(/, (?=[\d,]+ in flight)/);
  const title = `<text y="12" class="strong">${escape(operation)}</text><text y="28" class="note">${escape(load)}</text>`;
  return [title, ...bars].join('\n');
}

const baseline = (at) => PANEL.title + at * (PANEL.bar + PANEL.gap) + PANEL.bar - 3;

function rateOf(summaries, workload, client) {
  return summaries.get(workload.name).find(({ participant }) => participant.name === client.name)?.rate ?? null;
}

/** For readers who cannot see the picture. */
function inWords(workloads, clients, summaries) {
  const sentences = workloads.map((workload) => {
    const figures = clients.map((client) => `${client.title} ${short(rateOf(summaries, workload, client))}`);
    return `${describe(workload)}: ${figures.join(', ')}.`;
  });
  return sentences.join(' ');
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
