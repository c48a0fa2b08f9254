use crate::mock::*;

#[test]
fn it_compiles() {
    run(|| {});
}
