/** A small WebDriver client, for the browsers that Playwright does not drive as installed. */

import { freePort, program, start, temporary } from './tools.mjs';

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

class Session {
  constructor(base, id, stop) {
    Object.assign(this, { base, id, stop });
  }

  command(method, path, body) {
    return call(this.base, method, `/session/${this.id}${path}`, body);
  }

  open(url) {
    return this.command('POST', '/url', { url });
  }

  /**
   * Runs an async function in the page with JSON arguments; returns its JSON result. As a script
   * of the page: Firefox runs a driver's own scripts in a sandbox, where promises are not the page's.
   */
  async evaluate(fn, ...args) {
    const source = `(${fn})(...${JSON.stringify(args)}).then(
      (value) => ({ value }), (error) => ({ error: String(error) + '\\n' + (error && error.stack) })
    ).then((result) => document.dispatchEvent(new CustomEvent('evaluated', { detail: JSON.stringify(result) })))`;
    const script = `const [source, done] = arguments;
      document.addEventListener('evaluated', (event) => done(event.detail), { once: true });
      const script = document.createElement('script');
      script.textContent = source;
      document.head.append(script);
      script.remove();`;
    const result = JSON.parse(await this.command('POST', '/execute/async', { script, args: [source] }));
    if (result.error !== undefined) throw new Error(result.error);
    return result.value;
  }

  /** Waits until a function in the page gives something true, and returns that. */
  async until(what, fn, ...args) {
    const end = Date.now() + 90_000;
    for (;;) {
      const value = await this.evaluate(fn, ...args);
      if (value) return value;
      if (Date.now() > end) throw new Error(`waited 90 s for ${what}`);
      await new Promise((r) => setTimeout(r, 200));
    }
  }

  async find(selector) {
    const found = await this.command('POST', '/element', { using: 'css selector', value: selector });
    return found[ELEMENT];
  }

  async click(selector) {
    return this.command('POST', `/element/${await this.find(selector)}/click`, {});
  }

  /** Types into an element; for a file input, the path of the file. */
  async type(selector, text) {
    return this.command('POST', `/element/${await this.find(selector)}/value`, { text });
  }

  async close() {
    try {
      await this.command('DELETE', '');
    } finally {
      this.stop();
    }
  }
}

async function call(base, method, path, body) {
  const response = await fetch(base + path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const { value } = await response.json();
  if (!response.ok) throw new Error(`WebDriver ${method} ${path}: ${value?.error}: ${value?.message}`);
  return value;
}

async function session(driver, port, capabilities) {
  const base = `http://127.0.0.1:${port}`;
  try {
    const end = Date.now() + 20_000;
    for (;;) {
      const ready = await fetch(`${base}/status`).then((r) => r.ok, () => false);
      if (ready) break;
      if (Date.now() > end) throw new Error(`the driver does not answer:\n${driver.output}`);
      await new Promise((r) => setTimeout(r, 100));
    }
    const made = await call(base, 'POST', '/session', { capabilities: { alwaysMatch: capabilities } });
    const result = new Session(base, made.sessionId, driver.stop);
    await result.command('POST', '/timeouts', { script: 120_000, pageLoad: 60_000 });
    return result;
  } catch (error) {
    driver.stop();
    throw error;
  }
}

/** Firefox, headless, with its fake camera. */
export async function firefox() {
  const port = await freePort();
  const profiles = temporary('firefox');
  const driver = start(
    program('GECKODRIVER', 'geckodriver'),
    ['--port', `${port}`, '--websocket-port', '0', '--profile-root', profiles],
    { env: { HOME: profiles, MOZ_HEADLESS: '1' } },
  );
  return session(driver, port, {
    browserName: 'firefox',
    'moz:firefoxOptions': {
      binary: program('FIREFOX', 'firefox-esr', 'firefox'),
      args: ['-headless'],
      prefs: {
        'media.navigator.streams.fake': true,
        'media.navigator.permission.disabled': true,
        'app.update.disabledForTesting': true,
        'datareporting.policy.dataSubmissionEnabled': false,
      },
    },
  });
}

/** WebKitGTK's MiniBrowser on a display of its own. */
export async function webkit() {
  const port = await freePort();
  const home = temporary('webkit');
  const driver = start(
    program('XVFB_RUN', 'xvfb-run'),
    ['-a', '-s', '-screen 0 1280x1024x24', program('WEBKITWEBDRIVER', 'WebKitWebDriver'), `--port=${port}`, '--host=127.0.0.1'],
    { env: { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', HOME: home, XDG_RUNTIME_DIR: home, LIBGL_ALWAYS_SOFTWARE: '1' } },
  );
  const miniBrowser = program(
    'MINIBROWSER',
    ...['x86_64', 'aarch64'].flatMap((arch) =>
      ['4.1', '6.0', '4.0'].map((v) => `/usr/lib/${arch}-linux-gnu/webkit2gtk-${v}/MiniBrowser`)),
    'MiniBrowser',
  );
  return session(driver, port, {
    'webkitgtk:browserOptions': { binary: miniBrowser, args: ['--automation'] },
  });
}
