//! Says what the program is made of beside its code: the dashboard, as its own build left it.

fn main() {
    println!("cargo:rerun-if-changed=../../dashboard/dist");
}
