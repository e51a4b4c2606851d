import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** The page. It uses the built package as anybody else would. */
export default defineConfig({
  root: here('demo'),
  base: './',
  resolve: { alias: { octomask: here('dist/index.js') } },
  build: {
    outDir: here('dist-demo'),
    emptyOutDir: true,
    rolldownOptions: { input: [here('demo/index.html'), here('demo/lab.html')] },
    target: 'es2022',
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1024,
  },
});
