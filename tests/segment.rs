//! Frames in, masks out: resizing compared with PIL, and a whole model made by hand.

#[path = "common/hand_made.rs"]
mod hand_made;

use octomask::segment::{Frame, FrameInput, Normalization, Segmenter};
use octomask::threads::Team;
use octomask::{Model, Options};

/// As in `segment/golden.py`.
fn picture(width: usize, height: usize) -> Vec<u8> {
    let mut rgba = Vec::with_capacity(width * height * 4);
    for y in 0..height {
        for x in 0..width {
            let green = if (x / 3 + y / 2) % 2 == 0 { 255 } else { 0 };
            let blue = (x * x * 7 + y * y * 13 + x * y * 5) % 251;
            rgba.extend([((x * 11 + y * 3) % 256) as u8, green, blue as u8, (x + y) as u8]);
        }
    }
    rgba
}

/// The picture of that size as RGBA.
fn load(input: &mut FrameInput, width: usize, height: usize, out: &mut [f32]) {
    let rgba = picture(width, height);
    input.load(&Frame::rgba(&rgba, width, height), out, &mut Team::new(1).unwrap()).unwrap();
}

#[test]
fn frames_are_resized_as_pil_does() {
    let goldens = include_str!("segment/pil_bilinear.txt");
    let mut cases = 0;
    for line in goldens.lines() {
        let (sizes, hex) = line.rsplit_once(' ').unwrap();
        let sizes: Vec<usize> = sizes.split(' ').map(|n| n.parse().unwrap()).collect();
        let [width, height, target_width, target_height] = sizes[..] else { panic!("{sizes:?}") };
        let mut input = FrameInput::new(target_height, target_width, Normalization::default());
        let mut out = vec![0.0; target_height * target_width * 3];
        // Twice: the second time the weights are those in place.
        for _ in 0..2 {
            load(&mut input, width, height, &mut out);
        }
        assert_eq!(hex.len(), 2 * out.len());
        for (i, value) in out.iter().enumerate() {
            let pil = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap() as f32;
            // PIL rounds to bytes after each of its two passes.
            let difference = (value * 255.0 - pil).abs();
            assert!(
                difference <= 1.5,
                "{width}x{height} to {target_width}x{target_height}, element {i}: {} for {pil}",
                value * 255.0
            );
        }
        cases += 1;
    }
    assert_eq!(cases, 7);
}

#[test]
fn a_frame_of_another_size_makes_new_weights() {
    let mut out = vec![0.0; 8 * 8 * 3];
    let mut other = out.clone();
    let mut input = FrameInput::new(8, 8, Normalization::default());
    load(&mut input, 64, 48, &mut out);
    load(&mut input, 20, 30, &mut out);
    let mut fresh = FrameInput::new(8, 8, Normalization::default());
    load(&mut fresh, 20, 30, &mut other);
    assert_eq!(out, other);
}

/// Loads the model made by hand and lets it work on a frame of one colour.
fn mask_of(segmenter: &mut Segmenter, model: &mut Model, rgb: [u8; 3], smoothing: f32) -> Vec<u8> {
    let rgba = [rgb[0], rgb[1], rgb[2], 255].repeat(10 * 6);
    segmenter.load_frame(model, &Frame::rgba(&rgba, 10, 6)).unwrap();
    model.run();
    segmenter.mask(model, smoothing).unwrap().to_vec()
}

#[test]
fn a_segmenter_goes_from_frame_to_mask() {
    // The mask is (r + g + b - 0.5) * 2.
    let bytes = hand_made::scaled_sum("mask", [1, 8, 8, 3], -0.5);
    let mut model = Model::load(&bytes, &Options::default()).unwrap();
    let mut segmenter = Segmenter::new(&model).unwrap();
    assert_eq!(segmenter.mask_size(), [8, 8]);
    // 0.8 in all: a mask of 0.6.
    assert_eq!(mask_of(&mut segmenter, &mut model, [51, 102, 51], 0.0), [153; 64]);
    assert_eq!(mask_of(&mut segmenter, &mut model, [255, 255, 255], 0.5), [255; 64]);
    // An uncertain mask keeps some of the one before, until it is told to forget.
    let kept = mask_of(&mut segmenter, &mut model, [51, 102, 51], 0.5);
    assert!(kept.iter().all(|&v| v > 160 && v < 255), "{kept:?}");
    segmenter.reset();
    assert_eq!(mask_of(&mut segmenter, &mut model, [51, 102, 51], 0.5), [153; 64]);
    // A frame that is not smoothed is not remembered either.
    assert_eq!(mask_of(&mut segmenter, &mut model, [255, 255, 255], 0.0), [255; 64]);
    assert_eq!(mask_of(&mut segmenter, &mut model, [51, 102, 51], 0.5), [153; 64]);
    // It follows the model to another size.
    model.resize(16, 24).unwrap();
    assert_eq!(mask_of(&mut segmenter, &mut model, [51, 102, 51], 0.5), [153; 16 * 24]);
    assert_eq!(segmenter.mask_size(), [16, 24]);
    // A frame of zero size is refused, and nothing is lost.
    let error = segmenter.load_frame(&mut model, &Frame::rgba(&[], 0, 0)).unwrap_err();
    assert_eq!(error.kind().code(), "bad-input");
    assert_eq!(mask_of(&mut segmenter, &mut model, [51, 102, 51], 0.0), [153; 16 * 24]);
}

#[test]
fn quantized_models_give_masks_too() {
    let bytes = hand_made::quantized_scaled_sum("mask", [1, 8, 8, 3], -0.5);
    let mut model = Model::load(&bytes, &Options::default()).unwrap();
    let mut segmenter = Segmenter::new(&model).unwrap();
    // As above; the sum has 64 steps to 1.
    for (rgb, mask) in [([51, 102, 51], 153), ([255, 255, 255], 255), ([40, 60, 20], 0)] {
        let got = mask_of(&mut segmenter, &mut model, rgb, 0.0);
        assert!(got.iter().all(|&v| (v as i32 - mask).abs() <= 4), "{rgb:?}: {got:?}");
    }
}

#[test]
fn models_without_an_image_are_refused() {
    for (shape, what) in [
        (
            [2, 8, 8, 3],
            "takes an image 1xHxWx3 of float32 or of quantized integers, this one takes 2x8x8x3",
        ),
        ([1, 8, 8, 4], "this one takes 1x8x8x4 of float32"),
    ] {
        let bytes = hand_made::scaled_sum("no mask", shape, 0.5);
        let model = Model::load(&bytes, &Options::default()).unwrap();
        let error = Segmenter::new(&model).unwrap_err();
        assert_eq!(error.kind().code(), "unsupported-model");
        assert!(error.to_string().contains(what), "{error}");
    }
}
