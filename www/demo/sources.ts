/** Where pictures come from: the camera, a picture file, a video file. */

import { Problem, cameraProblem, insecureProblem } from './problems.ts';

/** Something that shows frames. */
export interface Source {
  kind: 'camera' | 'picture' | 'video';
  /** What is shown, for the status line. */
  name: string;
  element: HTMLVideoElement | HTMLImageElement;
  /** Whether people expect to see it as in a mirror. */
  mirrored: boolean;
  /** Extents in pixels; those of a camera change when a phone is turned. */
  size(): { width: number; height: number };
  /** Asks a camera for more frames a second than the usual 30. */
  setRate?(fps: number): void;
  stop(): void;
}

const RESOLUTION = { width: { ideal: 640 }, height: { ideal: 480 } };
const USUAL_RATE = 30;

export type Facing = 'user' | 'environment';

/** Asks for the camera; `ended` is called when the system takes it away. */
export async function openCamera(facing: Facing, ended: () => void): Promise<Source> {
  if (!isSecureContext || !navigator.mediaDevices?.getUserMedia) throw insecureProblem();
  const stream = await askCamera(facing);
  const track = stream.getVideoTracks()[0];
  const stopTracks = () => stream.getTracks().forEach((each) => each.stop());
  const video = hiddenVideo();
  video.srcObject = stream;
  try {
    await video.play();
    await firstFrame(video);
  } catch (error) {
    stopTracks();
    video.remove();
    throw cameraProblem(error);
  }
  track?.addEventListener('ended', ended);
  return {
    kind: 'camera',
    name: 'the camera',
    element: video,
    mirrored: track?.getSettings().facingMode !== 'environment',
    size: () => ({ width: video.videoWidth, height: video.videoHeight }),
    setRate(fps) {
      // A camera that cannot goes on as it does.
      if (fps > USUAL_RATE) track?.applyConstraints({ ...RESOLUTION, frameRate: { ideal: fps } }).catch(() => undefined);
    },
    stop() {
      track?.removeEventListener('ended', ended);
      stopTracks();
      video.srcObject = null;
      video.remove();
    },
  };
}

async function askCamera(facing: Facing): Promise<MediaStream> {
  const ideal = { facingMode: facing, ...RESOLUTION, frameRate: { ideal: USUAL_RATE } };
  try {
    return await navigator.mediaDevices.getUserMedia({ video: ideal, audio: false });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'OverconstrainedError')) throw cameraProblem(error);
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ video: true, audio: false });
  } catch (error) {
    throw cameraProblem(error);
  }
}

/** Whether there is a second camera to switch to; known only after the first one was allowed. */
export async function hasSecondCamera(): Promise<boolean> {
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return devices.filter((device) => device.kind === 'videoinput').length > 1;
}

/** Reads a picture file. */
export async function openPicture(file: File): Promise<Source> {
  const image = await decodePicture(file);
  return {
    kind: 'picture',
    name: file.name || 'the picture',
    element: image,
    mirrored: false,
    size: () => ({ width: image.naturalWidth, height: image.naturalHeight }),
    stop: () => URL.revokeObjectURL(image.src),
  };
}

/** An image element, because it knows the orientation that cameras write into their files. */
export async function decodePicture(file: File): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
    if (!(image.naturalWidth > 0 && image.naturalHeight > 0)) throw new Error('no pixels');
    return image;
  } catch {
    URL.revokeObjectURL(image.src);
    throw new Problem(`The picture ${file.name} cannot be decoded by this browser. Try a JPEG or PNG.`);
  }
}

/** Plays a video file, again and again and without sound. */
export async function openVideo(file: File): Promise<Source> {
  const video = hiddenVideo();
  video.loop = true;
  const url = URL.createObjectURL(file);
  const stop = () => {
    video.pause();
    video.removeAttribute('src');
    video.load();
    video.remove();
    URL.revokeObjectURL(url);
  };
  try {
    video.src = url;
    await withinSeconds(10, video.play().then(() => firstFrame(video)));
  } catch {
    stop();
    throw new Problem(`The video ${file.name} cannot be played by this browser. Try an MP4 or WebM.`);
  }
  return {
    kind: 'video',
    name: file.name || 'the video',
    element: video,
    mirrored: false,
    size: () => ({ width: video.videoWidth, height: video.videoHeight }),
    stop,
  };
}

/** In the document, because phones freeze videos that are not. */
function hiddenVideo(): HTMLVideoElement {
  const video = document.createElement('video');
  video.className = 'source';
  video.muted = true;
  video.playsInline = true;
  video.tabIndex = -1;
  video.setAttribute('aria-hidden', 'true');
  document.body.append(video);
  return video;
}

/** Some broken files neither play nor fail: Chromium waits for ever. */
async function withinSeconds(seconds: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('took too long')), seconds * 1000);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function firstFrame(video: HTMLVideoElement): Promise<void> {
  if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) {
    await new Promise((resolve, reject) => {
      video.addEventListener('loadeddata', resolve, { once: true });
      video.addEventListener('error', reject, { once: true });
    });
  }
  if (!video.videoWidth) throw new Error('the video has sound only');
}
