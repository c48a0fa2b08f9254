//! Receipt files: one that holds, made of real parts, and many that do not.

mod files;
mod scene;
