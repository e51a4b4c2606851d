//! Everything that can be decided before the first frame: which kernel runs each node, packed
//! weights, where each buffer lies, how each step is split over threads.

#![forbid(unsafe_code)]

pub mod arena;
pub mod limits;
mod lower;
mod reference_kernel;
#[cfg(test)]
mod tests;

use crate::error::{Error, OpRef, Result};
use crate::graph::{Graph, TensorId};
use crate::kernels::Kernel;
use crate::tensor::{DType, Data, Shape};
use arena::{Arena, Buffer, MAX_ARENA_BYTES};
use std::fmt;
use std::sync::Arc;

/// Which implementation runs the operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// The fast kernels; the reference only where there is none.
    #[default]
    Kernels,
    /// The naive reference for everything.
    Reference,
}

/// A tensor's place in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// In bytes, a multiple of [`arena::ALIGNMENT`].
    pub offset: usize,
    /// Number of elements.
    pub elements: usize,
    /// Element type.
    pub dtype: DType,
}

/// What a kernel reads.
#[derive(Debug, Clone)]
pub enum Operand {
    /// A tensor in the arena.
    Slot(Slot),
    /// Constant elements that the kernel did not pack.
    Constant(Arc<Data>),
    /// An optional operand that is left out, or one that lies in the output's own buffer.
    None,
}

/// One step: a kernel with what it reads and writes.
#[derive(Debug)]
pub struct Step {
    /// The work.
    pub kernel: Box<dyn Kernel>,
    /// What it reads, as the kernel numbers its operands.
    pub operands: Vec<Operand>,
    /// What it writes.
    pub outputs: Vec<Slot>,
    /// Pieces that threads take in turn; 1 when splitting would cost more than it gains.
    pub tiles: usize,
    /// Scratch memory: floats of each thread, and the byte offset of the first thread's.
    pub scratch: Scratch,
    /// What the step is, for people and profiles.
    pub about: About,
}

impl Step {
    /// Whether the first output lies where one of the operands was.
    pub fn in_place(&self) -> bool {
        let left_out = |k: &usize| matches!(self.operands.get(*k), Some(Operand::None));
        self.kernel.in_place().iter().any(left_out)
    }
}

/// A step's scratch memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scratch {
    /// Floats per thread.
    pub floats: usize,
    /// Offset of the first thread's scratch in bytes; the next follows at [`Scratch::stride`].
    pub offset: usize,
}

impl Scratch {
    /// Bytes from one thread's scratch to the next one's.
    pub fn stride(&self) -> usize {
        (self.floats * size_of::<f32>()).next_multiple_of(arena::ALIGNMENT)
    }
}

/// What a step is, for people and profiles.
#[derive(Debug, Clone)]
pub struct About {
    /// The file's operators that the step does the work of; the first names it. Empty for copies
    /// of inputs or constants that are outputs too.
    pub covers: Vec<OpRef>,
    /// Name of the tensor it makes.
    pub name: String,
    /// Shapes of the activations it reads (constants left out).
    pub input_shapes: Vec<Shape>,
    /// Shape of what it makes.
    pub output_shape: Shape,
    /// Multiply-adds.
    pub macs: u64,
    /// Bytes read and written: activations once, and constants.
    pub bytes: u64,
}

/// A network that is ready to run.
#[derive(Debug)]
pub struct Plan {
    /// All steps in order.
    pub steps: Vec<Step>,
    /// The layout of the activations' memory.
    pub arena: Arena,
    /// Where the caller writes.
    pub inputs: Vec<Slot>,
    /// Where the caller reads.
    pub outputs: Vec<Slot>,
    /// Threads it was planned for.
    pub threads: usize,
}

/// Kernels read at most this many tensors: running keeps them in arrays on the stack.
pub const MAX_OPERANDS: usize = 64;

/// Packed weights and tables of all kernels take at most this many bytes: a small file can name one
/// constant often.
const MAX_WEIGHT_BYTES: usize = 1 << 30;

impl Plan {
    /// Plans a graph whose shapes are known.
    pub fn new(graph: &Graph, backend: Backend, threads: usize) -> Result<Plan> {
        let mut weight_bytes = 0usize;
        let mut lowered = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            let at = node.source();
            let step = lower::lower(graph, node, backend).map_err(|e| e.at(at.index, &at.name))?;
            weight_bytes = weight_bytes.saturating_add(step.kernel.weight_bytes());
            if weight_bytes > MAX_WEIGHT_BYTES {
                let what = format!("up to here the weights take over {MAX_WEIGHT_BYTES} bytes");
                return Err(Error::limit(what).at(at.index, &at.name));
            }
            if step.kernel.scratch() > MAX_ARENA_BYTES / size_of::<f32>() / threads.max(1) {
                return Err(arena::too_large().at(at.index, &at.name));
            }
            lowered.push(step);
        }
        // A result that no node makes (an input or constant handed through) is copied.
        let producers = graph.producers();
        let mut outputs = graph.outputs.clone();
        let mut graph_with_copies = None;
        for output in &mut outputs {
            if !producers.contains_key(output) {
                let graph = graph_with_copies.get_or_insert_with(|| graph.clone());
                let original = *output;
                let mut copy = graph.tensor(original).clone();
                copy.data = None;
                *output = graph.add_tensor(copy);
                lowered.push(lower::copy(graph, original, *output));
            }
        }
        let graph = graph_with_copies.as_ref().unwrap_or(graph);
        assemble(graph, lowered, &outputs, threads)
    }

    /// Bytes of packed weights and of constants that kernels read as they are.
    pub fn weight_bytes(&self) -> usize {
        let constant = |o: &Operand| match o {
            Operand::Constant(data) => data.len() * data.dtype().size(),
            _ => 0,
        };
        let of =
            |s: &Step| s.kernel.weight_bytes() + s.operands.iter().map(constant).sum::<usize>();
        self.steps.iter().map(of).sum()
    }
}

/// Gives every tensor a buffer and every step its operands' places.
fn assemble(
    graph: &Graph,
    lowered: Vec<lower::Lowered>,
    outputs: &[TensorId],
    threads: usize,
) -> Result<Plan> {
    const NONE: usize = usize::MAX;
    // The last step that reads each tensor; results are kept.
    let mut last = vec![0; graph.tensors.len()];
    for (i, step) in lowered.iter().enumerate() {
        for id in step.operands.iter().flatten() {
            last[id.0] = i;
        }
    }
    for id in outputs {
        last[id.0] = usize::MAX;
    }
    let bytes_of = |id: TensorId| {
        let t = graph.tensor(id);
        t.shape.elements() * t.dtype.size()
    };
    let label = |id: TensorId| format!("'{}' {}", graph.tensor(id).name, graph.tensor(id).shape);
    let mut buffers: Vec<Buffer> = Vec::new();
    let mut buffer_of = vec![NONE; graph.tensors.len()];
    // Inputs are kept to the end, so that a model can run again on the same input.
    for &id in &graph.inputs {
        buffer_of[id.0] = buffers.len();
        let (bytes, label) = (bytes_of(id), label(id));
        buffers.push(Buffer { bytes, first: 0, last: usize::MAX, label });
    }
    let mut in_place = vec![NONE; lowered.len()]; // operand that shares the output's buffer
    let mut scratch_buffer = vec![NONE; lowered.len()];
    for (i, step) in lowered.iter().enumerate() {
        for (k, &out) in step.outputs.iter().enumerate() {
            let shared = step.kernel.in_place().iter().copied().find(|&operand| {
                let Some(id) = step.operands[operand] else { return false };
                let reads = step.operands.iter().flatten().filter(|&&other| other == id).count();
                let buffer = buffer_of[id.0];
                k == 0
                    && buffer != NONE
                    && buffers[buffer].last == i
                    && reads == 1
                    && bytes_of(id) == bytes_of(out)
            });
            if let Some(operand) = shared {
                let id = step.operands[operand].expect("found above");
                in_place[i] = operand;
                buffer_of[out.0] = buffer_of[id.0];
                let buffer = &mut buffers[buffer_of[id.0]];
                buffer.last = last[out.0].max(i);
                buffer.label = format!("{} = {}", buffer.label, label(out));
            } else {
                buffer_of[out.0] = buffers.len();
                let (bytes, label) = (bytes_of(out), label(out));
                buffers.push(Buffer { bytes, first: i, last: last[out.0].max(i), label });
            }
        }
        let scratch = Scratch { floats: step.kernel.scratch(), offset: 0 };
        if scratch.floats > 0 {
            scratch_buffer[i] = buffers.len();
            let (bytes, label) = (scratch.stride() * threads, format!("scratch of step {i}"));
            buffers.push(Buffer { bytes, first: i, last: i, label });
        }
    }
    let arena = Arena::place(buffers)?;
    let slot = |id: TensorId| {
        let t = graph.tensor(id);
        let offset = arena.offsets[buffer_of[id.0]];
        Slot { offset, elements: t.shape.elements(), dtype: t.dtype }
    };
    let steps = lowered
        .into_iter()
        .enumerate()
        .map(|(i, step)| {
            let operands = step.operands.iter().enumerate().map(|(k, id)| match *id {
                Some(_) if in_place[i] == k => Operand::None,
                Some(id) => match &graph.tensor(id).data {
                    Some(data) => Operand::Constant(data.clone()),
                    None => Operand::Slot(slot(id)),
                },
                None => Operand::None,
            });
            let offset = scratch_buffer[i];
            Step {
                operands: operands.collect(),
                outputs: step.outputs.iter().map(|&id| slot(id)).collect(),
                tiles: tiles(step.kernel.as_ref(), &step.about, threads),
                scratch: Scratch {
                    floats: step.kernel.scratch(),
                    offset: if offset == NONE { 0 } else { arena.offsets[offset] },
                },
                kernel: step.kernel,
                about: step.about,
            }
        })
        .collect();
    let inputs = graph.inputs.iter().map(|&id| slot(id)).collect();
    let outputs = outputs.iter().map(|&id| slot(id)).collect();
    Ok(Plan { steps, inputs, outputs, threads, arena })
}

/// Into how many pieces a step is cut. Pieces are taken in turn, so that a slow or late thread
/// takes fewer.
fn tiles(kernel: &dyn Kernel, about: &About, threads: usize) -> usize {
    /// What one thread does in a microsecond, roughly: only whether to split depends on it.
    const MACS_PER_US: u64 = 15_000;
    const BYTES_PER_US: u64 = 10_000;
    /// Work below this per tile is not worth meeting for. In Chromium on two threads, ten networks are
    /// 1.06 times as fast as with 20 for each thread (0.94 to 1.15, medians of interleaved rounds).
    const MIN_US_PER_TILE: u64 = 5;
    const TILES_PER_THREAD: usize = 4;
    let us = about.macs / MACS_PER_US + about.bytes / BYTES_PER_US;
    let worth = usize::try_from(us / MIN_US_PER_TILE).unwrap_or(usize::MAX);
    match worth.min(threads * TILES_PER_THREAD).min(kernel.units()) {
        tiles if threads > 1 && tiles >= threads => tiles,
        _ => 1,
    }
}

impl fmt::Display for Plan {
    /// One line per step.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "plan: {} steps, {} thread(s), {} bytes of activations, {} of weights",
            self.steps.len(),
            self.threads,
            self.arena.bytes,
            self.weight_bytes()
        )?;
        for (i, step) in self.steps.iter().enumerate() {
            let about = &step.about;
            let covers: Vec<String> =
                about.covers.iter().map(|r| format!("{} {}", r.index, r.name)).collect();
            let place = |slot: &Slot| format!("@{}", slot.offset);
            let operands: Vec<String> = step
                .operands
                .iter()
                .map(|o| match o {
                    Operand::Slot(slot) => place(slot),
                    Operand::Constant(data) => format!("{} constants", data.len()),
                    Operand::None => "-".into(),
                })
                .collect();
            let outputs: Vec<String> = step.outputs.iter().map(place).collect();
            writeln!(
                f,
                "  {i:>4}  {:<24} {:>16}  {} -> {}  x{}  [{}]",
                step.kernel.name(),
                about.output_shape.to_string(),
                operands.join(" "),
                outputs.join(" "),
                step.tiles,
                covers.join(" + ")
            )?;
        }
        Ok(())
    }
}
