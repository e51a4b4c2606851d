//! One model at many input sizes: what each costs, and how far its mask agrees with the one at the
//! file's own size.

#![forbid(unsafe_code)]

pub mod agreement;

use crate::error::{Error, Result};
use crate::input_size::{MAX_SIDE, STEP, of_long_side};
use crate::model::{Model, Options};
use crate::profile::Stats;
use crate::segment::{Frame, Segmenter};
use crate::session::Clock;
use crate::tensor::ViewMut;
use crate::timing::{self, Effort};
use agreement::Map;
use serde::Serialize;

/// Longer sides that are tried when none are given, up to the first that is larger than the file's.
const LONG_SIDES: [usize; 14] =
    [96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 1024, 1280];
/// All of them up to here are tried in any case.
const ALWAYS: usize = 320;
/// More sizes are refused: all of these models are there at once.
const MAX_SIZES: usize = 64;

/// How a sweep is made.
#[derive(Debug, Clone)]
pub struct SweepOptions {
    /// Longer sides to try beside the file's own, multiples of 8. When empty: 96, 128, 160 and so
    /// on, up to the first that is larger than the file's.
    pub long_sides: Vec<usize>,
    /// Runs of each size that count.
    pub runs: usize,
    /// Threads to run on.
    pub threads: usize,
}

/// A model at one input size.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Of the input, in pixels.
    pub height: usize,
    /// The same.
    pub width: usize,
    /// Milliseconds of a run. All sizes were run in turn.
    pub ms: Stats,
    /// Median milliseconds as part of those at the reference size.
    pub relative: f64,
    /// Multiply-adds of a run.
    pub macs: u64,
    /// Intersection over union with the mask at the reference size, 0 to 1: of the person, or of
    /// several classes the mean over all that are there. `None` without a picture, and where
    /// neither mask has a person.
    pub iou: Option<f64>,
    /// Share of the pixels with the same class as at the reference size, 0 to 1. `None` without a
    /// picture.
    pub agreement: Option<f64>,
}

/// A size that the model cannot run at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Of the input, in pixels.
    pub height: usize,
    /// The same.
    pub width: usize,
    /// The error's line.
    pub reason: String,
}

/// What half the sides cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Halving {
    /// Height and width before.
    pub from: [usize; 2],
    /// And after: half of that.
    pub to: [usize; 2],
    /// Median milliseconds after as part of those before.
    pub time: f64,
    /// Multiply-adds after as part of those before.
    pub macs: f64,
}

/// A model at many input sizes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sweep {
    /// Height and width of the size that the others are compared with: the file's own, or the
    /// largest where the file leaves its size open.
    pub reference: [usize; 2],
    /// Height and width in which masks were compared: those of the picture, or of the largest mask
    /// where that is larger. `None` without a picture.
    pub compared: Option<[usize; 2]>,
    /// Threads that ran.
    pub threads: usize,
    /// Runs of each size.
    pub runs: usize,
    /// Smallest size first.
    pub rows: Vec<Row>,
    /// Sizes that the model cannot run at.
    pub refused: Vec<Refused>,
    /// `None` where no two rows are half and whole.
    pub halving: Option<Halving>,
}

/// Times a model at many input sizes, and compares its masks of a picture. Without a picture, it
/// runs on pseudo-random numbers and only times are measured.
///
/// Errors: `BadInput` for sides that are no multiples of 8 or too many of them;
/// `UnsupportedModel` for models without one image `[n, h, w, c]` as their input and, with a
/// picture, for those that make no mask; what [`Model::load`] says of the file itself.
pub fn sweep(
    bytes: &[u8],
    picture: Option<&Frame<'_>>,
    options: &SweepOptions,
    clock: Clock,
) -> Result<Sweep> {
    check_sides(&options.long_sides)?;
    let load = |input_size| {
        Model::load(bytes, &Options { threads: options.threads, input_size, ..Options::default() })
    };
    let file = load(None)?;
    let Some(own) = file.own_size() else {
        return Err(Error::unsupported(format!(
            "a model is swept over the size of its one image 1xHxWxC, this one takes {}",
            file.inputs().iter().map(|t| t.shape.to_string()).collect::<Vec<_>>().join(", ")
        )));
    };
    let (mut sizes, mut models, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for [height, width] in sizes_of(own, &options.long_sides) {
        match load(Some([height, width])) {
            Ok(model) => {
                sizes.push([height, width]);
                models.push(model);
            }
            Err(e) => refused.push(Refused { height, width, reason: e.to_string() }),
        }
    }
    let reference = sizes.iter().position(|&size| size == own).or(sizes.len().checked_sub(1));
    let Some(reference) = reference else {
        let first = refused.first().map_or(String::new(), |r| r.reason.clone());
        return Err(Error::unsupported(format!("runs at none of the sizes: {first}")));
    };
    let mut segmenters = Vec::new();
    for model in &mut models {
        match picture {
            Some(picture) => {
                let mut segmenter = Segmenter::new(model)?;
                segmenter.load_frame(model, picture)?;
                segmenters.push(segmenter);
            }
            None => fill(model.input_mut(0)?),
        }
    }
    let effort = Effort { rounds: options.runs, at_most_ms: f64::INFINITY };
    let times = timing::in_turn(&mut models, clock, &effort);
    let (compared, agreements) = match picture {
        Some(picture) => {
            let (to, agreements) =
                compare(&mut segmenters, &models, [picture.height, picture.width], reference)?;
            (Some(to), agreements.into_iter().map(Some).collect())
        }
        None => (None, vec![None; models.len()]),
    };
    let rows: Vec<Row> = (0..models.len())
        .map(|i| Row {
            height: sizes[i][0],
            width: sizes[i][1],
            ms: times[i],
            relative: part(times[i].median, times[reference].median),
            macs: models[i].layers().iter().map(|layer| layer.macs).sum(),
            iou: agreements[i].and_then(|a| a.iou),
            agreement: agreements[i].map(|a| a.same),
        })
        .collect();
    Ok(Sweep {
        reference: sizes[reference],
        compared,
        threads: options.threads,
        runs: options.runs,
        halving: halving(&rows, reference),
        rows,
        refused,
    })
}

fn check_sides(sides: &[usize]) -> Result<()> {
    if sides.len() > MAX_SIZES {
        let what = format!("{} sizes are too many, at most {MAX_SIZES} are swept", sides.len());
        return Err(Error::bad_input(what));
    }
    let allowed = |&side: &usize| side > 0 && side.is_multiple_of(STEP) && side <= MAX_SIDE;
    match sides.iter().find(|side| !allowed(side)) {
        Some(side) => Err(Error::bad_input(format!(
            "size {side}: longer sides are multiples of {STEP}, from {STEP} to {MAX_SIDE}"
        ))),
        None => Ok(()),
    }
}

/// Heights and widths to try in about the file's own aspect ratio, and the file's own, smallest
/// first. Without a wish for others, half of the file's sides is among them if it can be.
fn sizes_of(own: [usize; 2], long_sides: &[usize]) -> Vec<[usize; 2]> {
    let long = own[0].max(own[1]);
    let mut sides = long_sides.to_vec();
    if sides.is_empty() {
        let larger = LONG_SIDES.iter().position(|&side| side > long);
        let count = larger.map_or(LONG_SIDES.len(), |first| first + 1);
        sides.extend(
            LONG_SIDES
                .iter()
                .enumerate()
                .filter_map(|(i, &side)| (i < count || side <= ALWAYS).then_some(side)),
        );
        if own.iter().all(|side| side % (2 * STEP) == 0) {
            sides.push(long / 2);
        }
    }
    let mut sizes: Vec<[usize; 2]> = sides.iter().map(|&side| of_long_side(own, side)).collect();
    // Of an open size, the file says 1.
    if own.iter().all(|&side| side >= STEP) {
        sizes.push(own);
    }
    sizes.sort_by_key(|&[h, w]| (h as u64 * w as u64, h));
    sizes.dedup();
    sizes
}

/// How far each model's mask of its last run agrees with the reference's, and the size in which
/// they were compared.
fn compare(
    segmenters: &mut [Segmenter],
    models: &[Model],
    picture: [usize; 2],
    reference: usize,
) -> Result<([usize; 2], Vec<agreement::Agreement>)> {
    let mut maps = Vec::new();
    for (segmenter, model) in segmenters.iter_mut().zip(models) {
        let (scores, numbers) = segmenter.scores(model)?;
        maps.push(Map { size: segmenter.mask_size(), scores, numbers });
    }
    let largest = |a: usize| maps.iter().map(|map| map.size[a]).max().unwrap_or(0).max(picture[a]);
    let to = [largest(0), largest(1)];
    let wanted = maps[reference].classes(to);
    let several = maps[reference].has_classes();
    let agreements =
        maps.iter().map(|map| agreement::compare(&map.classes(to), &wanted, several)).collect();
    Ok((to, agreements))
}

/// The reference and its half, or else the largest pair of a size and its half.
fn halving(rows: &[Row], reference: usize) -> Option<Halving> {
    let half_of = |from: &Row| {
        rows.iter().find(|row| [2 * row.height, 2 * row.width] == [from.height, from.width])
    };
    let others = rows.iter().rev();
    let pair = |from| Some((from, half_of(from)?));
    let (from, to) = std::iter::once(&rows[reference]).chain(others).find_map(pair)?;
    Some(Halving {
        from: [from.height, from.width],
        to: [to.height, to.width],
        time: part(to.ms.median, from.ms.median),
        macs: part(to.macs as f64, from.macs as f64),
    })
}

fn part(of: f64, whole: f64) -> f64 {
    if whole > 0.0 { of / whole } else { 0.0 }
}

/// Pseudo-random numbers, the same at every call: 0 to 1, or any integers.
fn fill(input: ViewMut<'_>) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    // Xorshift.
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 32
    };
    match input {
        ViewMut::F32(v) => v.iter_mut().for_each(|v| *v = next() as f32 / u32::MAX as f32),
        ViewMut::I8(v) => v.iter_mut().for_each(|v| *v = next() as i8),
        ViewMut::U8(v) => v.iter_mut().for_each(|v| *v = next() as u8),
        ViewMut::I16(v) => v.iter_mut().for_each(|v| *v = next() as i16),
        ViewMut::I32(v) => v.iter_mut().for_each(|v| *v = next() as u8 as i32),
        ViewMut::I64(v) => v.iter_mut().for_each(|v| *v = next() as u8 as i64),
        ViewMut::Bool(v) => v.iter_mut().for_each(|v| *v = (next() & 1) as u8),
        // No operator computes with them; DEQUANTIZE reads any.
        ViewMut::F16(v) => v.fill(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_the_aspect_ratio_and_are_multiples_of_8() {
        let default = sizes_of([144, 256], &[]);
        assert_eq!(
            default,
            [[56, 96], [72, 128], [88, 160], [112, 192], [128, 224], [144, 256], [184, 320]]
        );
        // The half of 224 is no usual size, and 257 has none.
        assert!(sizes_of([224, 224], &[]).contains(&[112, 112]));
        let odd = sizes_of([257, 257], &[]);
        assert!(odd.contains(&[257, 257]) && odd.contains(&[256, 256]), "{odd:?}");
        assert_eq!(odd.last(), Some(&[320, 320]));
        // An open size is none of them.
        assert_eq!(sizes_of([1, 1], &[]).first(), Some(&[96, 96]));
        assert_eq!(sizes_of([64, 32], &[128, 8, 64]), [[8, 8], [64, 32], [128, 64]]);
    }

    #[test]
    fn halves_are_found() {
        let row = |side: usize, median: f64| Row {
            height: side,
            width: side,
            ms: Stats { median, ..Stats::default() },
            relative: 0.0,
            macs: (side * side) as u64,
            iou: None,
            agreement: None,
        };
        let rows = [row(96, 1.0), row(128, 2.0), row(192, 3.0), row(256, 5.0), row(257, 9.0)];
        let found = halving(&rows, 3).unwrap();
        assert_eq!((found.from, found.to, found.time), ([256, 256], [128, 128], 0.4));
        assert_eq!(found.macs, 0.25);
        // 257 has none: the largest that has one.
        assert_eq!(halving(&rows, 4), halving(&rows, 3));
        assert_eq!(halving(&rows[..2], 1), None);
    }
}
