import { describe } from './select.mjs';
import { short } from './format.mjs';

/**
 * Bars in small panels, one workload each, every panel on its own scale: the question is who is how much faster at this,
 * not how gets compare with multi-gets.
 */
const COLUMNS = 4;
const PANEL = { width: 230, title: 18, bar: 13, gap: 3, bottom: 18 };
const LABEL = 62; // room for the figure at the end of the longest bar
const MARGIN = 16;
const HEADER = 58;

export function chart({ workloads, participants, summaries, machine }) {
  const clients = participants.filter(({ isReference }) => !isReference);
  const panelHeight = PANEL.title + clients.length * (PANEL.bar + PANEL.gap) + PANEL.bottom;
  const columns = Math.min(COLUMNS, workloads.length);
  const width = Math.max(720, 2 * MARGIN + columns * PANEL.width);
  const height = HEADER + Math.ceil(workloads.length / columns) * panelHeight + MARGIN;
  const panels = workloads.map((workload, at) => {
    const x = MARGIN + (at % columns) * PANEL.width;
    const y = HEADER + Math.floor(at / columns) * panelHeight;
    return `<g transform="translate(${x} ${y})">\n${panel(workload, clients, summaries.get(workload.name))}\n</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="11" fill="#222">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${MARGIN}" y="20" font-size="13" font-weight="600">Operations per second (${escape(machine.date)}, ${escape(machine.machine)})</text>
${legend(clients)}
${panels.join('\n')}
</svg>
`;
}

function legend(clients) {
  let x = MARGIN;
  const items = clients.map(({ title, colour }) => {
    const item = `<rect x="${x}" y="32" width="10" height="10" fill="${colour}"/><text x="${x + 14}" y="41">${escape(title)}</text>`;
    x += 36 + title.length * 6;
    return item;
  });
  return items.join('\n');
}

function panel(workload, clients, summary) {
  const rateOf = (client) => summary.find(({ participant }) => participant.name === client.name)?.rate ?? null;
  const most = Math.max(...clients.map((client) => rateOf(client) ?? 0), 1);
  const room = PANEL.width - LABEL - MARGIN;
  const bars = clients.map((client, at) => {
    const rate = rateOf(client);
    const y = PANEL.title + at * (PANEL.bar + PANEL.gap);
    const length = ((rate ?? 0) / most) * room;
    const bar = `<rect y="${y}" width="${length.toFixed(1)}" height="${PANEL.bar}" fill="${client.colour}"/>`;
    return `${bar}<text x="${(length + 5).toFixed(1)}" y="${y + 10}">${short(rate)}</text>`;
  });
  return [`<text y="11" font-weight="600">${escape(describe(workload))}</text>`, ...bars].join('\n');
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
