//! The layers of a profile as CSV (RFC 4180), for spreadsheets.

use super::Profile;

/// One row for each layer in running order, and the names of the columns before them. Shapes are
/// written as `1x8x8x16`, several of them and fused operators with spaces in between.
pub fn table(profile: &Profile) -> String {
    let mut text = "index,op,name,fused,input_shapes,output_shape,kernel,macs,bytes,\
                    first_ms,min_ms,median_ms,mean_ms,p95_ms,max_ms,std_ms,share,\
                    gflops,gbps,intensity,limit_share,bound,repetitions\n"
        .to_string();
    let join = |list: &[usize], by: &str| {
        list.iter().map(usize::to_string).collect::<Vec<String>>().join(by)
    };
    for layer in &profile.layers {
        let (info, ms) = (&layer.info, &layer.ms);
        let inputs: Vec<String> = info.input_shapes.iter().map(|s| join(s, "x")).collect();
        let numbers = [
            ms.first,
            ms.min,
            ms.median,
            ms.mean,
            ms.p95,
            ms.max,
            ms.std,
            layer.share,
            layer.gflops,
            layer.gbps,
            layer.intensity,
            layer.limit_share,
        ];
        let numbers: Vec<String> = numbers.iter().map(|n| format!("{n:.6}")).collect();
        let cells = [
            info.index.to_string(),
            quoted(&info.op),
            quoted(&info.name),
            join(&info.fused, " "),
            inputs.join(" "),
            join(&info.output_shape, "x"),
            quoted(&info.kernel),
            info.macs.to_string(),
            info.bytes.to_string(),
            numbers.join(","),
            layer.bound.name().to_string(),
            layer.repetitions.to_string(),
        ];
        text += &(cells.join(",") + "\n");
    }
    text
}

/// A cell as CSV wants it.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", cell.replace('"', "\"\""));
    }
    cell.to_string()
}
