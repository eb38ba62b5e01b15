// chart.mjs - bars as SVG, readable on light and on dark, from zero.

import { contenders } from './contenders.mjs';
import { headline } from './report.mjs';

const WIDTH = 760;
const LABEL = 230;
const BAR = 22;
const GAP = 8;
const TOP = 64;

const escape = (text) => text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]);

function bar({ label, least, most, ours }, y, scale) {
  const width = Math.max(1, least * scale);
  const whisker = `<path d="M${LABEL + width} ${y + BAR / 2}H${LABEL + most * scale}" class="whisker"/>`;
  return `<text x="${LABEL - 8}" y="${y + 15}" class="label">${escape(label)}</text>`
    + `<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" class="${ours ? 'ours' : 'theirs'}"/>`
    + `${whisker}<text x="${(LABEL + most * scale + 6).toFixed(1)}" y="${y + 15}">${least >= 100 ? Math.round(least) : least.toPrecision(3)}</text>`;
}

const style = `<style>
  svg { background: #fff; font: 13px system-ui, sans-serif; fill: #222 }
  .title { font-weight: 600; font-size: 15px } .unit { fill: #666 } .label { text-anchor: end } .middle { text-anchor: middle }
  .ours { fill: #2563a8 } .theirs { fill: #9aa3ad } .whisker { stroke: #444; stroke-width: 1.5; fill: none }
  .line { stroke: #2563a8; stroke-width: 2; fill: none } .axis { stroke: #999; fill: none }
</style>
<rect width="100%" height="100%" fill="#fff"/>`;

/** `points`: [[people, value]]; people by their logarithm, values from zero. */
export function lineChart(title, points) {
  const height = 260;
  const [left, right, top, bottom] = [60, WIDTH - 40, 64, height - 40];
  const logs = points.map(([people]) => Math.log10(people));
  const most = Math.max(...points.map(([, value]) => value)) * 1.1 || 1;
  const span = Math.max(...logs) - Math.min(...logs) || 1;
  const places = points.map(([people, value], i) => ({
    people, value, x: left + ((logs[i] - Math.min(...logs)) / span) * (right - left), y: bottom - (value / most) * (bottom - top),
  }));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>${escape(title)}</title>
${style}
<text x="12" y="24" class="title">${escape(title)}</text>
<text x="12" y="44" class="unit">by people connected, on a logarithmic scale; values from zero</text>
<path d="M${left} ${top}V${bottom}H${right}" class="axis"/>
<path d="M${places.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}" class="line"/>
${places.map(({ people, value, x, y }) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3.5" class="ours"/>`
    + `<text x="${x.toFixed(1)}" y="${(y - 9).toFixed(1)}" class="middle">${value >= 100 ? Math.round(value) : value.toPrecision(3)}</text>`
    + `<text x="${x.toFixed(1)}" y="${bottom + 18}" class="middle">${people.toLocaleString('en')}</text>`).join('\n')}
</svg>
`;
}

/** `bars`: [{ label, least, most, ours }]; the whisker goes from the least to the most of the rounds. */
export function chart(title, unit, bars) {
  const height = TOP + bars.length * (BAR + GAP) + 8;
  const scale = (WIDTH - LABEL - 60) / Math.max(...bars.map(({ most }) => most));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">
<title>${escape(title)}</title>
${style}
<text x="12" y="24" class="title">${escape(title)}</text>
<text x="12" y="44" class="unit">${escape(unit)}: the least of the rounds, and a line to the most. Less is better.</text>
${bars.map((one, i) => bar(one, TOP + i * (BAR + GAP), scale)).join('\n')}
</svg>
`;
}

export function scenarioChart(scenario, results) {
  const [figure, heading] = headline(scenario);
  const bars = Object.entries(results).filter(([, figures]) => figures[figure]).map(([name, figures]) => ({
    label: contenders[name].title, least: figures[figure].least, most: figures[figure].most, ours: name.startsWith('passerby'),
  }));
  return bars.length > 1 ? chart(scenario.title, heading, bars) : null;
}
