//! `Session::repeat`: a step that runs again leaves what it left before, whatever its kernel.

mod common;

use common::now_ms;
use octomask::optimize::optimize;
use octomask::plan::Plan;
use octomask::session::Session;
use octomask::tensor::{Data, ViewMut};
use octomask::threads::Team;
use octomask::{Backend, tflite};
use std::path::{Path, PathBuf};

/// All committed models, but for those of which another has the same kernels.
fn models() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let inside = |folder: PathBuf| {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder:?}: {e}"));
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<PathBuf>>()
    };
    let mut files = inside(folder.join("artefacts"));
    files.extend(inside(folder.join("networks")).into_iter().flat_map(inside));
    let same = ["float16", "int8_float_edges"];
    files.retain(|file| {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        file.extension().is_some_and(|e| e == "tflite") && !same.contains(&stem)
    });
    files.sort();
    files
}

/// Numbers that differ from each other, small ones in float types.
fn fill(input: ViewMut) {
    let byte = |i: usize| (i * 37 % 101) as u8;
    match input {
        ViewMut::F32(v) => v.iter_mut().enumerate().for_each(|(i, x)| *x = byte(i) as f32 / 100.0),
        ViewMut::I8(v) => v.iter_mut().enumerate().for_each(|(i, x)| *x = byte(i) as i8 - 50),
        ViewMut::U8(v) => v.iter_mut().enumerate().for_each(|(i, x)| *x = byte(i)),
        ViewMut::I16(v) => v.iter_mut().enumerate().for_each(|(i, x)| *x = byte(i).into()),
        ViewMut::I32(v) => v.iter_mut().enumerate().for_each(|(i, x)| *x = byte(i).into()),
        ViewMut::I64(v) => v.iter_mut().enumerate().for_each(|(i, x)| *x = byte(i).into()),
        ViewMut::F16(_) | ViewMut::Bool(_) => {}
    }
}

/// Bits, so that NaN is itself.
fn bits(data: Data) -> Data {
    match data {
        Data::F32(v) => Data::I32(v.into_iter().map(|x| x.to_bits() as i32).collect()),
        other => other,
    }
}

fn outputs(session: &Session) -> Vec<Data> {
    (0..).map_while(|i| Some(bits(session.output(i)?.to_data()))).collect()
}

#[test]
fn repeating_each_step_leaves_the_outputs_of_a_run() {
    let (mut repeated, mut in_place) = (0, 0);
    for threads in [1, 2] {
        let mut team = Team::new(threads).unwrap();
        for path in models() {
            // Some of the artefacts are there to be refused.
            let Ok(mut graph) = tflite::read(&std::fs::read(&path).unwrap()) else { continue };
            if optimize(&mut graph, &[]).is_err() {
                continue;
            }
            let plan = Plan::new(&graph, Backend::Kernels, threads).unwrap();
            let mut session = Session::new(plan);
            for i in 0.. {
                let Some(input) = session.input_mut(i) else { break };
                fill(input);
            }
            session.run(&mut team, None);
            let expected = outputs(&session);
            for step in 0..session.plan().steps.len() {
                session.repeat(&mut team, step, 2 + step % 2, now_ms);
                repeated += 1;
                in_place += usize::from(session.plan().steps[step].in_place());
            }
            assert!(outputs(&session) == expected, "{path:?}, {threads} threads");
        }
    }
    assert!(repeated > 1000 && in_place > 100, "{repeated} steps, {in_place} in place");
}
