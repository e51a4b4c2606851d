/** The segmenter that runs, and the settings it runs with. A new one replaces it only when it works. */

import { type BuildName, type ModelSource, type Segmenter, type Size, createSegmenter, packagedModel } from 'octomask';

/** What the lists of the page choose. */
export interface Settings {
  /** `selfie`, `selfie-landscape`, or the name of a file that was opened. */
  model: string;
  threads: number | 'auto';
  build: BuildName | 'auto';
}

export class Engine {
  settings: Settings = { model: 'selfie', threads: 'auto', build: 'auto' };
  #segmenter: Segmenter | undefined;
  /** Model files that were opened, by name. */
  readonly #files = new Map<string, File>();
  /** Only the last one of several wishes counts. */
  #wish = 0;

  get segmenter(): Segmenter | undefined {
    return this.#segmenter;
  }

  addFile(file: File): void {
    this.#files.set(file.name, file);
  }

  forgetFile(name: string): void {
    this.#files.delete(name);
  }

  get fileNames(): string[] {
    return [...this.#files.keys()];
  }

  /**
   * Loads a segmenter with other settings. The one that runs goes on until the new one has made a
   * mask, and for ever if that fails. Gives `undefined` if a later wish overtook this one.
   */
  async load(settings: Settings): Promise<Segmenter | undefined> {
    const wish = ++this.#wish;
    let segmenter: Segmenter;
    try {
      segmenter = await this.#start(settings);
    } catch (error) {
      if (wish !== this.#wish) return undefined;
      throw error;
    }
    if (wish !== this.#wish) {
      segmenter.dispose();
      return undefined;
    }
    this.#segmenter?.dispose();
    this.#segmenter = segmenter;
    this.settings = settings;
    return segmenter;
  }

  async #start(settings: Settings): Promise<Segmenter> {
    const { threads, build } = settings;
    const segmenter = await createSegmenter({
      model: this.#source(settings.model),
      threads,
      build,
      // Another build of the same model goes on at the size that was chosen.
      inputSize: settings.model === this.settings.model ? this.size : undefined,
      smoothing: false,
      layerTimes: true,
    });
    try {
      await segmenter.segment(new ImageData(8, 8));
      return segmenter;
    } catch (error) {
      segmenter.dispose();
      throw error;
    }
  }

  /** Height and width the model runs at now. */
  get size(): Size | undefined {
    const shape = this.#segmenter?.model.inputs[0]?.shape;
    return shape?.[1] !== undefined && shape[2] !== undefined ? [shape[1], shape[2]] : undefined;
  }

  #source(model: string): ModelSource {
    const file = this.#files.get(model);
    if (file) return file;
    return packagedModel(model === 'selfie-landscape' ? 'selfie-landscape' : 'selfie');
  }
}
