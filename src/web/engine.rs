//! Runs models: the module that every page loads, in four builds.

use super::{described, thrown};
use crate::advise;
use crate::error::{Error, Result};
use crate::limits;
use crate::model::{Model, Options};
use crate::optimize::PASSES;
use crate::segment::{Frame, PixelFormat, Segmenter, YuvColors, YuvMatrix};
use crate::tensor::{Quantization, TensorDef, View, ViewMut};
use crate::tflite;
use crate::threads::Team;
use crate::timing;
use js_sys::{
    BigInt64Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Uint8Array,
    Uint16Array,
};
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wasm_bindgen::prelude::*;

#[cfg(feature = "threads")]
pub use wasm_bindgen_rayon::init_thread_pool;

/// Bound, since browsers call that straight from WebAssembly, and `performance.now()` through a function of the glue:
/// 0.12 us instead of 0.29 in Chromium on a Xeon (0.12 instead of 0.09 in Firefox, 0.05 instead of 0.07 in WebKitGTK),
/// once for each layer.
#[wasm_bindgen(inline_js = "export const now = performance.now.bind(performance);")]
extern "C" {
    /// Milliseconds since this worker started.
    #[wasm_bindgen(js_name = now)]
    fn worker_now() -> f64;
}

#[wasm_bindgen]
extern "C" {
    /// When this worker started, in milliseconds since 1970.
    #[wasm_bindgen(thread_local_v2, js_namespace = performance, js_name = timeOrigin)]
    static WORKER_START: f64;
}

/// Milliseconds since the first worker that asked was started: one clock for all threads.
fn now() -> f64 {
    static FIRST: AtomicU64 = AtomicU64::new(0); // bits
    thread_local! {
        static BEHIND: f64 = {
            let own = WORKER_START.with(|&start| start);
            let first = FIRST.compare_exchange(0, own.to_bits(), Relaxed, Relaxed);
            own - f64::from_bits(first.map_or_else(|first| first, |_| own.to_bits()))
        };
    }
    BEHIND.with(|behind| behind + worker_now())
}

/// The module's memory, into which the addresses below point. It may be a shared one.
#[wasm_bindgen(js_name = wasmMemory)]
pub fn wasm_memory() -> JsValue {
    wasm_bindgen::memory()
}

/// What the device can do at best on so many threads: `Limits` of `src/limits.rs`. Takes seconds.
#[wasm_bindgen(js_name = measureLimits)]
pub fn measure_limits(threads: usize) -> Result<JsValue, JsValue> {
    let mut team = Team::new(threads).map_err(thrown)?;
    Ok(described(&limits::measure(&mut team, now)))
}

/// Names of the graph passes, in running order.
#[wasm_bindgen]
pub fn passes() -> Vec<String> {
    PASSES.iter().map(|pass| pass.name.to_string()).collect()
}

/// Runs model files in turn on random inputs, `rounds` times or until the time is up: `MeasuredFile[]`.
#[wasm_bindgen(js_name = timeFiles)]
pub fn time_files(
    files: Vec<Uint8Array>,
    threads: usize,
    rounds: usize,
    at_most_ms: f64,
) -> Result<JsValue, JsValue> {
    let options = Options { threads, ..Default::default() };
    let load = |file: Uint8Array| Model::load(&file.to_vec(), &options);
    let models: Result<Vec<Model>> = files.into_iter().map(load).collect();
    let effort = timing::Effort { rounds, at_most_ms };
    let measured = timing::measure(&mut models.map_err(thrown)?, now, &effort);
    Ok(described(&measured.map_err(thrown)?))
}

/// A loaded model and the room for its frames.
#[wasm_bindgen]
pub struct WasmModel {
    model: Model,
    init_ms: f64,
    load_bytes: u64,              // by which the memory grew
    frame: Vec<u8>,               // the pixels of a frame, in its own format
    segmenter: Option<Segmenter>, // made for the first frame
}

pub use pixels::{ColorMatrix, PixelLayout};

/// What the macro adds to these has no words.
#[allow(missing_docs)]
mod pixels {
    use wasm_bindgen::prelude::*;

    /// How pixels lie in memory: `PixelFormat` of `src/segment/frame.rs`.
    #[wasm_bindgen]
    #[derive(Clone, Copy)]
    pub enum PixelLayout {
        /// Red, green, blue and one more byte.
        Rgba = "RGBA",
        /// The other way round.
        Bgra = "BGRA",
        /// Three planes.
        I420 = "I420",
        /// Two planes.
        Nv12 = "NV12",
    }

    /// What brightness and colour were made with.
    #[wasm_bindgen]
    #[derive(Clone, Copy)]
    pub enum ColorMatrix {
        /// BT.601.
        Bt601 = "bt601",
        /// BT.709.
        Bt709 = "bt709",
    }
}

/// Where a mask lies: `[height][width]` bytes at `address`.
#[wasm_bindgen]
#[derive(Clone, Copy)]
pub struct MaskPlace {
    /// Bytes from the start of the memory.
    pub address: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

#[wasm_bindgen]
impl WasmModel {
    /// Reads and plans a `.tflite` file. `threads` counts the calling one; the pool of the others
    /// must run already. `without` names graph passes to leave out.
    pub fn load(
        bytes: &[u8],
        threads: usize,
        height: Option<usize>,
        width: Option<usize>,
        without: Option<Vec<String>>,
    ) -> Result<WasmModel, JsValue> {
        let options = Options {
            threads,
            input_size: height.zip(width).map(Into::into),
            disabled_passes: without.unwrap_or_default(),
            ..Default::default()
        };
        let (start, before) = (now(), memory_bytes());
        let model = Model::load(bytes, &options).map_err(thrown)?;
        Ok(WasmModel {
            model,
            init_ms: now() - start,
            load_bytes: memory_bytes() - before,
            frame: Vec::new(),
            segmenter: None,
        })
    }

    /// What the caller provides: `TensorInfo[]`.
    pub fn inputs(&self) -> JsValue {
        described(&self.model.inputs().into_iter().map(TensorInfo::of).collect::<Vec<_>>())
    }

    /// What the caller gets: `TensorInfo[]`.
    pub fn outputs(&self) -> JsValue {
        described(&self.model.outputs().into_iter().map(TensorInfo::of).collect::<Vec<_>>())
    }

    /// Height and width the file was made for: `[number, number]`, or `undefined`.
    #[wasm_bindgen(js_name = ownSize)]
    pub fn own_size(&self) -> JsValue {
        described(&self.model.own_size())
    }

    /// Heights and widths the model allows: `[number, number][]`.
    pub fn sizes(&self) -> JsValue {
        described(&self.model.sizes())
    }

    /// The steps of the plan: `LayerInfo[]`.
    pub fn layers(&self) -> JsValue {
        described(&self.model.layers())
    }

    /// Changes the input size; refused, the model stays as it was.
    pub fn resize(&mut self, height: usize, width: usize) -> Result<(), JsValue> {
        self.model.resize(height, width).map_err(thrown)
    }

    /// Copies a typed array of the input's type and length in.
    #[wasm_bindgen(js_name = setInput)]
    pub fn set_input(&mut self, index: usize, data: &JsValue) -> Result<(), JsValue> {
        set_input(&mut self.model, index, data).map_err(thrown)
    }

    /// Runs the network.
    pub fn run(&mut self) {
        self.model.run();
    }

    /// A copy of an output as a typed array of its type.
    pub fn output(&self, index: usize) -> Result<JsValue, JsValue> {
        Ok(match self.model.output(index).map_err(thrown)? {
            View::F32(v) => Float32Array::from(v).into(),
            View::F16(v) => Uint16Array::from(v).into(),
            View::I8(v) => Int8Array::from(v).into(),
            View::U8(v) | View::Bool(v) => Uint8Array::from(v).into(),
            View::I16(v) => Int16Array::from(v).into(),
            View::I32(v) => Int32Array::from(v).into(),
            View::I64(v) => BigInt64Array::from(v).into(),
        })
    }

    /// Measures every step: `Profile`.
    pub fn profile(&mut self, runs: usize, warmup: usize) -> JsValue {
        let mut profile = self.model.profile(now, runs, warmup, self.init_ms);
        profile.load_bytes = Some(self.load_bytes);
        described(&profile)
    }

    /// Runs two model files in turn on this model's threads, until it is known how they differ, or the
    /// time is up, or there is no gain of `least_ms`: `Difference`.
    #[wasm_bindgen(js_name = timePair)]
    pub fn time_pair(
        &self,
        before: &[u8],
        after: &[u8],
        budget_ms: f64,
        least_ms: f64,
    ) -> Result<JsValue, JsValue> {
        let load = |file| self.model.beside(tflite::read(file)?);
        let pair = load(before).and_then(|before| Ok([before, load(after)?]));
        let mut pair = pair.map_err(thrown)?;
        let found = advise::measure::difference(&mut pair, now, budget_ms, least_ms);
        Ok(described(&found.map_err(thrown)?))
    }

    /// Whether each run leaves one time per step.
    #[wasm_bindgen(js_name = timeSteps)]
    pub fn time_steps(&mut self, on: bool) {
        self.model.set_clock(on.then_some(now as fn() -> f64));
    }

    /// Milliseconds of each step in the last run; empty when steps are not timed.
    #[wasm_bindgen(js_name = stepMs)]
    pub fn step_ms(&self) -> Float64Array {
        Float64Array::from(self.model.step_ms())
    }

    /// The address of room for so many bytes of pixels. The next call may move it.
    #[wasm_bindgen(js_name = frameBuffer)]
    pub fn frame_buffer(&mut self, bytes: usize) -> Result<*mut u8, JsValue> {
        let more = bytes.saturating_sub(self.frame.len());
        if self.frame.try_reserve_exact(more).is_err() {
            return Err(thrown(Error::limit(format!("no memory for a frame of {bytes} bytes"))));
        }
        self.frame.resize(bytes, 0);
        Ok(self.frame.as_mut_ptr())
    }

    /// Takes the pixels in the frame buffer as the model's input.
    #[wasm_bindgen(js_name = loadFrame)]
    pub fn load_frame(
        &mut self,
        width: usize,
        height: usize,
        layout: PixelLayout,
        matrix: ColorMatrix,
        full_range: bool,
    ) -> Result<(), JsValue> {
        let segmenter = match &mut self.segmenter {
            Some(segmenter) => segmenter,
            none => none.insert(Segmenter::new(&self.model).map_err(thrown)?),
        };
        let format = format_of(layout, matrix, full_range).map_err(thrown)?;
        let frame = Frame { bytes: &self.frame, width, height, format };
        segmenter.load_frame(&mut self.model, &frame).map_err(thrown)
    }

    /// Makes the mask of the last run. `smoothing` goes from 0 (this frame alone) to 1.
    pub fn mask(&mut self, smoothing: f32) -> Result<MaskPlace, JsValue> {
        let Some(segmenter) = &mut self.segmenter else {
            return Err(thrown(Error::bad_input("there is no mask before the first frame")));
        };
        let mask = segmenter.mask(&self.model, smoothing).map_err(thrown)?.as_ptr() as usize;
        let [height, width] = segmenter.mask_size();
        Ok(MaskPlace { address: mask, width, height })
    }
}

/// Size of the module's memory, which only grows.
fn memory_bytes() -> u64 {
    const PAGE: u64 = 64 << 10;
    core::arch::wasm32::memory_size::<0>() as u64 * PAGE
}

/// A tensor as JavaScript sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TensorInfo<'a> {
    name: &'a str,
    shape: &'a [usize],
    dtype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantization: Option<QuantizationInfo<'a>>,
}

/// Quantization parameters as JavaScript sees them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QuantizationInfo<'a> {
    scale: &'a [f32],
    zero_point: &'a [i64],
    axis: usize,
}

impl<'a> TensorInfo<'a> {
    fn of(tensor: &'a TensorDef) -> TensorInfo<'a> {
        let quantization =
            tensor.quantization.as_ref().map(|Quantization { scale, zero_point, axis }| {
                QuantizationInfo { scale, zero_point, axis: *axis }
            });
        TensorInfo {
            name: &tensor.name,
            shape: tensor.shape.dims(),
            dtype: tensor.dtype.name(),
            quantization,
        }
    }
}

fn format_of(layout: PixelLayout, matrix: ColorMatrix, full_range: bool) -> Result<PixelFormat> {
    let matrix = match matrix {
        ColorMatrix::Bt601 => YuvMatrix::Bt601,
        ColorMatrix::Bt709 => YuvMatrix::Bt709,
        _ => return Err(Error::bad_input("unknown colours")),
    };
    let colors = YuvColors { matrix, full_range };
    Ok(match layout {
        PixelLayout::Rgba => PixelFormat::Rgba,
        PixelLayout::Bgra => PixelFormat::Bgra,
        PixelLayout::I420 => PixelFormat::I420(colors),
        PixelLayout::Nv12 => PixelFormat::Nv12(colors),
        _ => return Err(Error::bad_input("an unknown layout of pixels")),
    })
}

fn set_input(model: &mut Model, index: usize, data: &JsValue) -> Result<()> {
    macro_rules! copy {
        ($array:ident, $to:expr) => {
            match data.dyn_ref::<$array>() {
                Some(from) if from.length() as usize == $to.len() => {
                    from.copy_to($to);
                    Ok(())
                }
                from => Err(Error::bad_input(format!(
                    "input {index} takes a {} of {} elements, got {}",
                    stringify!($array),
                    $to.len(),
                    match from {
                        Some(from) => format!("{} elements", from.length()),
                        None => "something else".to_string(),
                    }
                ))),
            }
        };
    }
    match model.input_mut(index)? {
        ViewMut::F32(to) => copy!(Float32Array, to),
        ViewMut::F16(to) => copy!(Uint16Array, to),
        ViewMut::I8(to) => copy!(Int8Array, to),
        ViewMut::U8(to) | ViewMut::Bool(to) => copy!(Uint8Array, to),
        ViewMut::I16(to) => copy!(Int16Array, to),
        ViewMut::I32(to) => copy!(Int32Array, to),
        ViewMut::I64(to) => copy!(BigInt64Array, to),
    }
}
