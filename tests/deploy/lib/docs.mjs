// docs.mjs - the commands that a document tells people to type.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './compose.mjs';

/** The commands in the shell blocks of a document, or of one of its sections ("## …"). */
export function commands(file, section) {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const part = section === undefined ? text : text.split(/^## /m).find((each) => each.startsWith(`${section}\n`));
  if (part === undefined) throw new Error(`${file} has no section "${section}"`);
  return [...part.matchAll(/^ *```sh\n(.*?)^ *```$/gms)]
    .flatMap(([, block]) => block.replaceAll('\\\n', ' ').split('\n')).map((line) => line.trim().replace(/ +/g, ' ')).filter(Boolean);
}
