//! Packs a chart, as `helm package` does: for one that lies beside the chart that depends on it.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use tar::{Builder, Header};
use trueup_manifest::{Tree, TreePath};

use crate::{
    chart::{Chart, load_dir, load_files},
    error::Error,
};

/// The archive of the chart in a folder, with the chart itself. The same files give the same bytes: no time is written.
pub fn pack(tree: &dyn Tree, folder: &TreePath) -> Result<(Chart, Vec<u8>), Error> {
    let chart = load_dir(tree, folder)?;
    let failed = |error: std::io::Error| Error::new("helm/pack", error.to_string());
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for file in load_files(tree, folder)? {
        let mut header = Header::new_gnu();
        header.set_size(file.data.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        let path = format!("{}/{}", chart.metadata.name, file.name);
        archive
            .append_data(&mut header, path, &*file.data)
            .map_err(failed)?;
    }
    let mut packed = archive.into_inner().map_err(failed)?;
    packed.flush().map_err(failed)?;
    Ok((chart, packed.finish().map_err(failed)?))
}
