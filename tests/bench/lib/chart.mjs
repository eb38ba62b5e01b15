// chart.mjs - bars, dots and lines as SVG: readable on light and on dark, values from zero or on a scale that says so, and each value as
// text in the description.

const WIDTH = 760;
const LABEL = 260;
const RIGHT = WIDTH - 190;
const BAR = 16;
const STEP = 20;
const TOP = 64;

const escape = (text) => String(text).replace(/[&<>"]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character]);
export const number = (value) => (value >= 999.5 ? Math.round(value).toLocaleString('en') : value >= 100 ? String(Math.round(value)) : value.toPrecision(3));

const style = `<style>
  svg { font: 13px system-ui, sans-serif; fill: #222 }
  .paper { fill: #fff } .title { font-weight: 600; font-size: 15px } .group { font-weight: 600 } .unit { fill: #666 }
  .label { text-anchor: end } .middle { text-anchor: middle }
  .ours { fill: #2563a8 } .theirs { fill: #9aa3ad } .whisker { stroke: #444; stroke-width: 1.5; fill: none }
  .line { stroke: #2563a8; stroke-width: 2; fill: none } .axis { stroke: #999; fill: none }
  @media (prefers-color-scheme: dark) {
    svg { fill: #e6e6e6 } .paper { fill: #16191d } .unit { fill: #a0a6ad } .ours { fill: #6aa7ea } .theirs { fill: #6d7681 }
    .whisker { stroke: #ccc } .line { stroke: #6aa7ea } .axis { stroke: #777 }
  }
</style>`;

function frame(height, title, unit, description, body) {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title text">
<title id="title">${escape(title)}</title>
<desc id="text">${escape(description)}</desc>
${style}
<rect width="100%" height="100%" class="paper"/>
<text x="12" y="24" class="title">${escape(title)}</text>
<text x="12" y="44" class="unit">${escape(unit)}</text>
${body.join('\n')}
</svg>
`;
}

const label = (text, y, kind = 'label') => `<text x="${kind === 'label' ? LABEL - 8 : 12}" y="${y}" class="${kind}">${escape(text)}</text>`;
const kindOf = (ours) => (ours ? 'ours' : 'theirs');

const range = ({ least, median, most }) => (number(least) === number(most) ? number(least) : `${number(least)} (${number(median)}, to ${number(most)})`);

function bar({ label: name, least, median, most, ours }, y, scale) {
  const at = (value) => (LABEL + value * scale).toFixed(1);
  const end = LABEL + most * scale;
  return label(name, y + 13)
    + `<rect x="${LABEL}" y="${y}" width="${Math.max(1, least * scale).toFixed(1)}" height="${BAR}" class="${kindOf(ours)}"/>`
    + `<path d="M${at(least)} ${y + BAR / 2}H${at(most)}" class="whisker"/><path d="M${at(median)} ${y + 2}V${y + BAR - 2}" class="whisker"/>`
    + `<text x="${(end + 6).toFixed(1)}" y="${y + 13}">${range({ least, median, most })}</text>`;
}

/** `groups`: [{ label, bars: [{ label, least, median, most, ours }] }]; a line from the least to the most of the rounds, and a tick at their median. */
export function barChart(title, unit, groups, legend = '') {
  const scale = (RIGHT - LABEL) / Math.max(...groups.flatMap(({ bars }) => bars.map(({ most }) => most)));
  const body = [];
  let y = TOP;
  for (const { label: name, bars } of groups) {
    body.push(label(name, y + 10, 'group'));
    y += STEP;
    for (const one of bars) {
      body.push(bar(one, y, scale));
      y += STEP;
    }
    y += STEP / 2;
  }
  const description = groups.map(({ label: name, bars }) => `${name}: ${bars.map((one) => `${one.label} ${range(one)}`).join(', ')}.`).join(' ');
  return frame(y, title, `${unit}. Of the rounds: bar to the least, tick at the median, line to the most${legend}`, description, body);
}

const ANCHORS = ['label', 'middle', 'begin']; // so that the texts of percentiles that are near each other don't meet

/** `rows`: [{ label, note, ours, points: [[name, { least, median, most }]] }], on a logarithmic scale: a dot at the median, a line from the least
 * to the most of the rounds. */
export function dotChart(title, unit, rows) {
  const logs = rows.flatMap(({ points }) => points.flatMap(([, { least, most }]) => [Math.log10(least), Math.log10(most)]));
  const [low, high] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs))];
  const at = (value) => LABEL + ((Math.log10(value) - low) / (high - low || 1)) * (RIGHT - LABEL);
  const bottom = TOP + rows.length * 2 * STEP;
  const body = [];
  for (let power = low; power <= high; power++) {
    const x = at(10 ** power).toFixed(1);
    body.push(`<path d="M${x} ${TOP - 6}V${bottom}" class="axis"/><text x="${x}" y="${bottom + 16}" class="middle">${10 ** power}</text>`);
  }
  rows.forEach(({ label: name, ours, points, note }, i) => {
    const y = TOP + i * 2 * STEP + 26;
    body.push(label(name, y + 4));
    if (note) body.push(`<text x="${LABEL - 8}" y="${y + 20}" class="label unit">${escape(note)}</text>`);
    points.forEach(([point, { least, median, most }], j) => {
      const x = at(median).toFixed(1);
      const beside = y + 3 * (j - 1); // lines of percentiles may overlap
      body.push(`<path d="M${at(least).toFixed(1)} ${beside}H${at(most).toFixed(1)}" class="whisker"/>`
        + `<circle cx="${x}" cy="${y}" r="5" class="${kindOf(ours)}"/>`
        + `<text x="${x}" y="${j % 2 ? y + 18 : y - 9}" class="${ANCHORS[j]}">${escape(point)} ${number(median)}</text>`);
    });
  });
  const description = rows.map(({ label: name, note, points }) => `${name}${note ? ` (${note})` : ''}: ${points.map(([point, { least, median, most }]) => `${point} ${number(median)} (${number(least)} to ${number(most)})`).join(', ')}.`).join(' ');
  return frame(bottom + 28, title, `${unit}, on a logarithmic scale: the median of the rounds, line from the least to the most. Left is better.`, description, body);
}

/** `points`: [[people, value, note]]; people by their logarithm, values from zero, or `logarithmic` as well. `conditions`: what was alike for all; `note`: what
 * was not. */
export function lineChart(title, conditions, points, { logarithmic = false, note: differences = '' } = {}) {
  const [left, top, bottom] = [60, 64, 220];
  const logs = points.map(([people]) => Math.log10(people));
  const values = points.map(([, value]) => value);
  const most = Math.max(...values) * 1.1 || 1;
  const lowest = logarithmic ? 10 ** Math.floor(Math.log10(Math.min(...values))) : 0;
  const height = (value) => (logarithmic ? Math.log(value / lowest) / Math.log(most / lowest) : value / most) * (bottom - top);
  const span = Math.max(...logs) - Math.min(...logs) || 1;
  const places = points.map(([people, value, note = ''], i) => ({
    people, value, note, x: left + ((logs[i] - Math.min(...logs)) / span) * (WIDTH - 60 - left), y: bottom - height(value),
  }));
  const body = [
    `<path d="M${left} ${top}V${bottom}H${WIDTH - 40}" class="axis"/>`,
    `<path d="M${places.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}" class="line"/>`,
    ...places.map(({ people, value, note, x, y }) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3.5" class="ours"/>`
      + `<text x="${x.toFixed(1)}" y="${(y - 9).toFixed(1)}" class="middle">${number(value)}</text>`
      + `<text x="${x.toFixed(1)}" y="${bottom + 18}" class="middle">${people.toLocaleString('en')}</text>`
      + `<text x="${x.toFixed(1)}" y="${bottom + 34}" class="middle unit">${escape(note)}</text>`),
  ];
  body.push(`<text x="12" y="${bottom + 62}" class="unit">${escape(differences)}</text>`);
  const description = points.map(([people, value]) => `${people.toLocaleString('en')} people: ${number(value)}.`).join(' ');
  return frame(bottom + 72, title, `${logarithmic ? 'both on logarithmic scales' : 'people on a logarithmic scale, values from zero'}; ${conditions}`, description, body);
}
