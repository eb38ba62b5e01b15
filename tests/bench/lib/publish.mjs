// publish.mjs - ./dev bench --publish: puts what was measured where README.md and OPERATIONS.md show it, so that no figure is copied by hand.
//
// Flow:  the JSON of build/bench, and the charts and the report that it makes, take the place of those in tests/bench/results; in the documents, what stands
//        between <!-- figures: NAME --> and <!-- /figures --> is written anew.
// Fails: when there is nothing to publish; when it is not the whole: of --quick, of some scenarios or contenders, of few rounds or sizes; and when it is
//        not of a commit.

import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { charts, scaleCharts } from './charts.mjs';
import { machineLine, sourceLine } from './machine.mjs';
import { lacking, lackingOfScale } from './plan.mjs';
import { goalTable, messageTable, report, scaleTable } from './report.mjs';

const PUBLISHED = /\.(svg|json)$|^(report|redis_match)\.md$/;
const BLOCK = /(<!-- figures: ([a-z]+) -->\n)[^]*?(<!-- \/figures -->)/g;

async function read(path) {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Charts and figures of --scale stand beside the others. */
export const isOfScale = (name) => name.startsWith('scale');

/** The text of each block that the results have. */
export function blocks(results, scale, redisMatch) {
  const all = {};
  if (results) {
    all.machine = `Measured on ${machineLine(results.machine)}, of ${sourceLine(results.machine)}, in ${results.plan.rounds} rounds. Ratios are of the least (of the medians) of the rounds; “round by round”, and behind a semicolon, is the median of each round’s own ratio.`;
    all.goals = goalTable(results);
    all.messages = messageTable(results.scenarios);
    all.redis = redisMatch.trim();
    all.busy = '![Latency at 30,000 messages a second, by contender](tests/bench/results/latency-30000.svg)';
  }
  if (scale) all.scale = `${scaleTable(scale.results)}\n\nOf ${sourceLine(scale.machine)}.`;
  return all;
}

const json = (value) => `${JSON.stringify(value, null, 1)}\n`;

/** File name → what is in it. */
function filesOf(results, scale, redisMatch) {
  return {
    ...(results && { ...charts(results.scenarios), 'results.json': json(results), 'report.md': report(results), 'redis_match.md': redisMatch }),
    ...(scale && { ...scaleCharts(scale), 'scale.json': json(scale) }),
  };
}

function refuse(from, results, scale, redisMatch) {
  const lacks = (results && !redisMatch && 'it lacks redis_match.md') || (results && lacking(results)) || (scale && lackingOfScale(scale));
  if (lacks) throw new Error(`${from} is not the whole that the documents speak of: ${lacks}`);
}

/** A document with its blocks written anew; those that there are no figures for stay as they are. */
export const fill = (text, all) => text.replace(BLOCK, (whole, begin, name, end) => (all[name] ? `${begin}${all[name]}\n${end}` : whole));

export async function publish(from, to, documents) {
  const [results, scale] = (await Promise.all(['results.json', 'scale.json'].map((name) => read(`${from}/${name}`)))).map((text) => JSON.parse(text)); // null stays null
  const redisMatch = await read(`${from}/redis_match.md`);
  if (!results && !scale) throw new Error(`${from} has no figures: run ./dev bench first`);
  refuse(from, results, scale, redisMatch);
  await mkdir(to, { recursive: true });
  const fresh = (name) => PUBLISHED.test(name) && (isOfScale(name) ? scale : results) !== null;
  for (const name of await readdir(to)) if (fresh(name)) await rm(`${to}/${name}`);
  for (const [name, content] of Object.entries(filesOf(results, scale, redisMatch))) await writeFile(`${to}/${name}`, content);
  for (const path of documents) await writeFile(path, fill(await readFile(path, 'utf8'), blocks(results, scale, redisMatch)));
}
