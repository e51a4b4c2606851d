/** The parts of the README that the bench writes. */

import { readFileSync, writeFileSync } from 'node:fs';
import { at } from '../browser/tools.mjs';

/** Replaces what `command` made before. */
export function updateReadme(text, command = 'make bench') {
  const begin = `<!-- Made by ${command}: do not edit. -->\n`;
  const end = `<!-- End of what ${command} made. -->`;
  const readme = readFileSync(at('README.md'), 'utf8');
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md has no place for what ${command} makes`);
  writeFileSync(at('README.md'), readme.slice(0, from) + begin + text + readme.slice(to));
}
