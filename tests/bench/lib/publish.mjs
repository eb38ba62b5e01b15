// publish.mjs - ./dev bench --publish: puts what was measured where README.md and OPERATIONS.md show it, so that no figure is copied by hand.
//
// Flow:  the charts and the JSON of build/bench go to tests/bench/results; in the documents, what stands between <!-- figures: NAME -->
//        and <!-- /figures --> is written anew.
// Fails: when there is nothing to publish, and when it is of --quick.

import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { figureRows } from './figures.mjs';
import { messageTable, scaleTable, table } from './report.mjs';

const BLOCK = /(<!-- figures: ([a-z]+) -->\n)[^]*?(<!-- \/figures -->)/g;

async function read(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

const machineLine = ({ cpu, cpus, memory_bytes: memory, kernel, node }) =>
  `${cpus} cores (${cpu}), ${Math.round(memory / 2 ** 30)} GiB, Linux ${kernel}, Node ${node}`;

/** The text of each block that the results have. */
export function blocks(results, scale) {
  const all = {};
  if (results) {
    all.machine = `Measured on ${machineLine(results.machine)}, in turn; ratios of the least (of the medians) of the rounds, of which there were ${results.rounds}.`;
    all.goals = table(['', 'goal', 'measured'], figureRows(results));
    all.messages = messageTable(results.scenarios);
  }
  if (scale) all.scale = scaleTable(scale);
  return all;
}

/** A document with its blocks written anew; those that there are no figures for stay as they are. */
export const fill = (text, all) => text.replace(BLOCK, (whole, begin, name, end) => (all[name] ? `${begin}${all[name]}\n${end}` : whole));

export async function publish(from, to, documents) {
  const results = await read(`${from}/results.json`);
  const scale = await read(`${from}/scale.json`);
  if (!results && !scale) throw new Error(`${from} has no figures: run ./dev bench first`);
  if (results?.quick) throw new Error(`${from} is of --quick, a tenth of what its headings say: run ./dev bench without it`);
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) if (/\.(svg|json)$/.test(name)) await copyFile(`${from}/${name}`, `${to}/${name}`);
  for (const path of documents) await writeFile(path, fill(await readFile(path, 'utf8'), blocks(results, scale)));
}
