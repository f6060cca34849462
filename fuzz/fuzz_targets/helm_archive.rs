//! An archive of any bytes ends in a chart within its limits or in an error, and never names a file outside.
//!
//! Where the first byte is even, the rest is a tar that is packed first, so that what is behind the checksum is reached; a
//! header's own checksum is made right.

#![no_main]

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use trueup_helm::{
    Capabilities, Limits, Overlay, Print, Request,
    chart::{self, archive},
};

/// The tar with the checksums of its headers corrected, for blocks that look like headers.
fn corrected(tar: &[u8]) -> Vec<u8> {
    let mut tar = tar.to_vec();
    for block in tar.chunks_exact_mut(512) {
        if block[257..262] != *b"ustar" {
            continue;
        }
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    tar
}

fuzz_target!(|input: &[u8]| {
    let [choice, input @ ..] = input else {
        return;
    };
    let packed = if choice % 2 == 0 {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
        gzip.write_all(&corrected(input)).expect("memory takes it");
        gzip.finish().expect("memory takes it")
    } else {
        input.to_vec()
    };
    if let Ok(files) = archive::files(&packed) {
        let mut all = 0;
        for file in &files {
            let parts = || file.name.split('/');
            assert!(!file.name.starts_with('/') && parts().all(|part| part != ".." && !part.is_empty()));
            assert!(file.data.len() as u64 <= archive::MAX_FILE);
            all += file.data.len() as u64;
        }
        assert!(all <= archive::MAX_CHART && files.len() <= archive::MAX_ENTRIES);
    }
    let Ok(chart) = chart::load_archive(&packed, "fuzz.tgz") else {
        return;
    };
    let (overlay, capabilities) = (Overlay::default(), Capabilities::default());
    let mut request = Request::new(&chart, "rel", "ns", &overlay, &capabilities);
    request.limits = Limits {
        fuel: 50_000,
        depth: 50,
        output: 1 << 20,
    };
    if let Ok(release) = request.render(&mut |path| Err(format!("no file `{path}`"))) {
        let _ = release.print(Print::default());
    }
});
