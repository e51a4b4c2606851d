//! A model that is ready to run: the road from bytes to a session, and back for another size.

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::input_size::{self, STEP};
use crate::kernels::peak;
use crate::optimize::{QUANTIZED_TO_FLOAT, optimize};
use crate::plan::limits::check_work;
use crate::plan::{Backend, Plan};
use crate::profile::measure::measure;
use crate::profile::{self, LayerInfo, Method, Peak, Profile, Stats};
use crate::session::{Clock, Session};
use crate::tensor::{TensorDef, View, ViewMut};
use crate::tflite;
use crate::threads::Team;

/// How a model is loaded.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads to run on, at least 1, the calling one included.
    pub threads: usize,
    /// Which implementation runs the operators.
    pub backend: Backend,
    /// Names of graph passes to leave out; see [`crate::optimize::PASSES`].
    pub disabled_passes: Vec<String>,
    /// Height and width of the input, multiples of 8, if not the file's own.
    pub input_size: Option<[usize; 2]>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            threads: 1,
            backend: Backend::default(),
            disabled_passes: Vec::new(),
            input_size: None,
        }
    }
}

/// A loaded model.
#[derive(Debug)]
pub struct Model {
    /// As read from the file: where other input sizes start from.
    file: Graph,
    /// After the passes, at today's size.
    graph: Graph,
    session: Session,
    team: Team,
    options: Options,
    clock: Option<Clock>,
    step_ms: Vec<f64>, // one per step; empty before the first run with a clock
    peak: Option<Peak>,
}

impl Model {
    /// Reads, optimizes and plans a `.tflite` file.
    pub fn load(bytes: &[u8], options: &Options) -> Result<Model> {
        Model::from_graph(tflite::read(bytes)?, options)
    }

    /// Optimizes and plans a network whose shapes are known, as [`tflite::read`] gives it.
    pub fn from_graph(file: Graph, options: &Options) -> Result<Model> {
        Model::on_team(file, options.clone(), Team::new(options.threads)?)
    }

    /// Another network on the same threads, to run in turn with this one: with its options, but at the size
    /// that it has.
    pub fn beside(&self, file: Graph) -> Result<Model> {
        let options = Options { input_size: None, ..self.options.clone() };
        Model::on_team(file, options, self.team.share())
    }

    fn on_team(file: Graph, options: Options, team: Team) -> Result<Model> {
        let (graph, plan) = prepare(&file, &options)?;
        Ok(Model {
            session: Session::new(plan),
            file,
            graph,
            team,
            options,
            clock: None,
            step_ms: Vec::new(),
            peak: None,
        })
    }

    /// The network as read from the file, at today's size.
    pub fn file(&self) -> Result<Graph> {
        match self.options.input_size {
            Some([height, width]) => input_size::resized(&self.file, height, width),
            None => Ok(self.file.clone()),
        }
    }

    /// Changes the input to `height` x `width` pixels, both multiples of 8, or back to the file's
    /// own size. When that is refused the model stays as it was.
    pub fn resize(&mut self, height: usize, width: usize) -> Result<()> {
        let options = Options { input_size: Some([height, width]), ..self.options.clone() };
        self.replan(options)
    }

    /// Runs on another number of threads from now on.
    pub fn set_threads(&mut self, threads: usize) -> Result<()> {
        let team = Team::new(threads)?;
        self.replan(Options { threads, ..self.options.clone() })?;
        self.team = team;
        self.peak = None;
        Ok(())
    }

    fn replan(&mut self, options: Options) -> Result<()> {
        let (graph, plan) = prepare(&self.file, &options)?;
        self.session = Session::new(plan);
        self.graph = graph;
        self.options = options;
        self.step_ms.clear();
        Ok(())
    }

    /// Height and width that the file was made for; `None` for models without one image input.
    pub fn own_size(&self) -> Option<[usize; 2]> {
        input_size::size_of(&self.file)
    }

    /// Sizes `[height, width]` that [`Model::resize`] accepts, of about the file's own aspect
    /// ratio, smallest first, the file's own among them. Empty for models without one image input.
    pub fn sizes(&self) -> Vec<[usize; 2]> {
        const SMALLEST: usize = 64;
        const LARGEST: usize = 512;
        let Some(own) = self.own_size() else { return Vec::new() };
        let mut sizes: Vec<[usize; 2]> = (SMALLEST..=LARGEST)
            .step_by(4 * STEP)
            .map(|long_side| input_size::of_long_side(own, long_side))
            .collect();
        // Of an open size, the file says 1.
        if own.iter().all(|&side| side >= STEP) {
            sizes.push(own);
        }
        sizes.sort();
        sizes.dedup();
        sizes.retain(|&[h, w]| input_size::resized(&self.file, h, w).is_ok());
        sizes
    }

    /// The network after the passes.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What runs.
    pub fn plan(&self) -> &Plan {
        self.session.plan()
    }

    /// What the caller provides, in the file's order.
    pub fn inputs(&self) -> Vec<&TensorDef> {
        self.graph.inputs.iter().map(|&id| self.graph.tensor(id)).collect()
    }

    /// What the caller gets, in the file's order.
    pub fn outputs(&self) -> Vec<&TensorDef> {
        self.graph.outputs.iter().map(|&id| self.graph.tensor(id)).collect()
    }

    /// The elements of an input, to be written in place. They are kept by [`Model::run`].
    pub fn input_mut(&mut self, index: usize) -> Result<ViewMut<'_>> {
        Ok(self.input_and_team(index)?.0)
    }

    /// The same, with the threads that may write it.
    pub(crate) fn input_and_team(&mut self, index: usize) -> Result<(ViewMut<'_>, &mut Team)> {
        let count = self.graph.inputs.len();
        let missing = || Error::bad_input(format!("there is no input {index}, only {count}"));
        Ok((self.session.input_mut(index).ok_or_else(missing)?, &mut self.team))
    }

    /// Copies an input in; length and type must be the model's.
    pub fn set_input(&mut self, index: usize, data: View<'_>) -> Result<()> {
        let name = self.inputs().get(index).map(|t| format!("input {index} '{}'", t.name));
        let named = |e: Error| Error::bad_input(format!("{}: {e}", name.unwrap_or_default()));
        self.input_mut(index)?.copy_from(data).map_err(named)
    }

    /// Runs the network. Allocates nothing.
    #[inline(never)]
    pub fn run(&mut self) {
        self.session.run(&mut self.team, self.clock);
        if self.clock.is_some() {
            // Room was made in `set_clock` and `profile`, or is made once after a change of size.
            self.step_ms.clear();
            self.step_ms.extend(self.session.step_ms());
        }
    }

    /// The elements of an output, as the last run left them.
    pub fn output(&self, index: usize) -> Result<View<'_>> {
        let count = self.graph.outputs.len();
        self.session
            .output(index)
            .ok_or_else(|| Error::bad_input(format!("there is no output {index}, only {count}")))
    }

    /// Bytes of all activations.
    pub fn arena_bytes(&self) -> usize {
        self.plan().arena.bytes
    }

    /// Bytes of packed weights and constants.
    pub fn weight_bytes(&self) -> usize {
        self.plan().weight_bytes()
    }

    /// With a clock every run notes what each step took; without one it costs nothing.
    pub fn set_clock(&mut self, clock: Option<Clock>) {
        self.clock = clock;
        self.step_ms.clear();
        self.step_ms.reserve(self.plan().steps.len());
    }

    /// Milliseconds of each step in the last run, in step order; empty without a clock. They add
    /// up to the run.
    pub fn step_ms(&self) -> &[f64] {
        &self.step_ms
    }

    /// What each step is, in step order.
    pub fn layers(&self) -> Vec<LayerInfo> {
        profile::layers(self.plan())
    }

    /// Runs `warmup` times, then at least `runs` times (at least once) on whatever the inputs hold, and says where the
    /// time went. Ten times as many runs are taken, or as many as there are in a second if those are fewer, and where the
    /// machine does not keep its speed up to 50 times as many within six seconds. Those count that nothing disturbed, at
    /// least `runs` of them, and without warm-up the very first one. `init_ms` is what loading took, if the caller
    /// measured it. With a coarse clock layers are repeated besides, for up to three seconds.
    pub fn profile(&mut self, clock: Clock, runs: usize, warmup: usize, init_ms: f64) -> Profile {
        let runs = runs.clamp(1, 100_000);
        let warmup = warmup.min(100_000);
        let peak = self.measure_peak(clock);
        let times = measure(&mut self.session, &mut self.team, clock, runs, warmup);
        let step = if times.method == Method::Single { times.resolution } else { 0.0 };
        let layers = profile::layer_times(self.layers(), &times.layers, step, peak);
        Profile {
            runs,
            taken: times.taken,
            disturbed: times.disturbed,
            warmup,
            threads: self.team.threads(),
            clock_resolution_ms: times.resolution,
            method: times.method,
            repetitions: times.repetitions,
            init_ms,
            warmup_ms: Stats::of(&times.warmup),
            total_ms: Stats::of(&times.total),
            by_type: profile::by_type(&layers),
            layers,
            peak,
            timeline: times.timeline,
            arena_bytes: self.arena_bytes(),
            weight_bytes: self.weight_bytes(),
            load_bytes: None,
        }
    }

    /// Measured once: the device does not change.
    fn measure_peak(&mut self, clock: Clock) -> Peak {
        let arena_bytes = self.arena_bytes();
        let team = &mut self.team;
        *self.peak.get_or_insert_with(|| Peak {
            gflops: peak::gflops(team.threads(), clock, &mut |work| team.run(work)),
            gbps: peak::gbps(team.threads(), clock, arena_bytes, &mut |work| team.run(work)),
        })
    }
}

/// Graph and plan of a file's network with the given options.
fn prepare(file: &Graph, options: &Options) -> Result<(Graph, Plan)> {
    let mut graph = match options.input_size {
        Some([height, width]) => input_size::resized(file, height, width)?,
        None => file.clone(),
    };
    // Before anything is computed, folded constants included.
    check_work(&graph)?;
    let mut disabled = options.disabled_passes.clone();
    if options.backend == Backend::Reference {
        disabled.push(QUANTIZED_TO_FLOAT.to_string());
    }
    optimize(&mut graph, &disabled)?;
    let plan = Plan::new(&graph, options.backend, options.threads)?;
    Ok((graph, plan))
}
