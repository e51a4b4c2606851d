/** Chromium by Playwright, as the system has it. */

import { createRequire } from 'node:module';
import { FIXTURES, at, program } from './tools.mjs';

const { chromium } = createRequire(at('www/package.json'))('playwright-core');

const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const CAMERAS = {
  film: [
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
    `--use-file-for-fake-video-capture=${FIXTURES}/camera.y4m`,
  ],
  none: ['--use-fake-ui-for-media-stream'],
  denied: ['--use-fake-ui-for-media-stream=deny', '--use-fake-device-for-media-stream'],
};

/** `camera`: 'film' shows the fixture, 'none' is a machine without one, 'denied' a person who says no. */
export function launch({ camera = 'film', args = [] } = {}) {
  return chromium.launch({
    executablePath: program('CHROMIUM', 'chromium', 'chromium-browser', 'google-chrome'),
    args: [...QUIET, ...CAMERAS[camera], ...args],
  });
}

/** A page that fails the test with what it logged when something in it goes wrong unseen. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (e) => page.problems.push(`uncaught: ${e.message}`));
  page.on('console', (m) => m.type() === 'error' && page.problems.push(`console: ${m.text()}`));
  await page.goto(url);
  return page;
}
