//! `veneer lint`: checks an image that is being built.

use crate::args::Options;
use crate::failure::Failure;
use crate::finding::tell;
use crate::image;
use crate::root::Root;

pub(crate) fn lint(options: &Options) -> Result<String, Failure> {
    let root = Root::new(&options.root);
    if !root.exists("usr/lib") || !root.exists("usr/bin") {
        return Err(Failure::Missing(format!(
            "{} is no image: there is no usr/lib and usr/bin in it; name the directory that has them with --root",
            options.root.display()
        )));
    }
    if let Some(stamp) = &options.stamp {
        if options.runtime.join("status.json").exists() {
            return Err(Failure::No(
                "this system runs with Veneer: a stamp belongs into the image, and is written when that is built".into(),
            ));
        }
        image::identity::stamp(&root, stamp)?;
    }
    tell(options, image::check(&root, &options.initrd))
}
