/** The part of the README that the bench writes. */

import { readFileSync, writeFileSync } from 'node:fs';
import { at } from '../browser/tools.mjs';

const BEGIN = '<!-- Made by make bench: do not edit. -->\n';
const END = '<!-- End of what make bench made. -->';

export function updateReadme(text) {
  const readme = readFileSync(at('README.md'), 'utf8');
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error('README.md has no place for the results of the bench');
  writeFileSync(at('README.md'), readme.slice(0, begin) + BEGIN + text + readme.slice(end));
}
