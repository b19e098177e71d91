//! `.env.example` says what can be set.

use pipeline::config::Config;
use settings::Settings;

const EXAMPLE: &str = include_str!("../../../.env.example");

#[test]
fn the_example_file_lists_every_setting_as_the_code_describes_it() {
    let settings = Settings::from_pairs([("GOOGLE_PROJECT", "any")]);
    let mut reader = settings.reader();
    let _config = Config::read(&mut reader);
    let entries: Vec<_> = reader
        .references()
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = format!(
        "# Every setting of the pipeline, with its default. `make run` needs none of them: it simulates the providers\n\
         # and the Google project. A file of such lines is read with `pipeline --env-file FILE`; the environment\n\
         # outranks it.\n\n{}\n",
        entries.join("\n\n")
    );
    assert!(EXAMPLE == expected, ".env.example should be:\n{expected}");
}
