//! The reference of mappings for people, made of the tables that the code goes by.

use super::{
    FAMILIES, FUNCTIONS, FieldUse, Kind, PATHS,
    check::{Fit, fit},
};
use crate::{CONNECTORS, inspection::Holds};

/// The reference, as Markdown: paths, functions, coercions, and what each CRM is sent without any mapping.
pub fn markdown() -> String {
    let mut page = String::new();
    page.push_str("### Paths\n\n| path | kind | what it says |\n| --- | --- | --- |\n");
    for path in PATHS {
        let words = match path.words {
            [] => String::new(),
            words => format!(": `{}`", words.join("`, `")),
        };
        row(
            &mut page,
            &[
                &format!("`{}`", path.name),
                path.kind.as_str(),
                &format!("{}{words}", path.about),
            ],
        );
    }
    for family in FAMILIES {
        row(
            &mut page,
            &[&format!("`{}…`", family.prefix), "text", family.about],
        );
    }
    page.push_str(
        "\n### Functions\n\nThey stand in `then`, and are applied one after the other.\n\n",
    );
    page.push_str("| function | argument | what it does | it becomes | example |\n| --- | --- | --- | --- | --- |\n");
    for function in FUNCTIONS {
        row(
            &mut page,
            &[
                &format!("`{}`", function.name),
                function.argument,
                function.about,
                function.gives,
                &format!("`{}` is `{}`", function.example, function.outcome),
            ],
        );
    }
    page.push_str("\n### What fits where\n\nDown: what an expression comes to. Across: what the CRM's field holds.\n\n|  |");
    for holds in Holds::ALL {
        page.push_str(&format!(" {} |", holds.as_str()));
    }
    page.push_str("\n| --- |");
    page.push_str(&" --- |".repeat(Holds::ALL.len()));
    page.push('\n');
    for kind in Kind::ALL {
        page.push_str(&format!("| {} |", kind.as_str()));
        for holds in Holds::ALL {
            page.push_str(match fit(kind, holds) {
                Fit::Same => " as it is |",
                Fit::AsText => " as text |",
                Fit::Not(_) => " no |",
            });
        }
        page.push('\n');
    }
    page.push_str("\n### What is sent without any mapping\n");
    for connector in CONNECTORS {
        page.push_str(&format!("\n#### {}\n", connector.name));
        for object in connector.mapping.objects {
            page.push_str(&format!(
                "\n`{}`: {}.\n\n| field | from | written | can be mapped |\n| --- | --- | --- | --- |\n",
                object.name, object.about
            ));
            let fields = connector.mapping.fields.iter();
            for field in fields.filter(|field| field.object == object.name) {
                let usage = match field.usage {
                    FieldUse::Key => "no".to_owned(),
                    FieldUse::Match(path) => format!("in another form of `{path}`"),
                    FieldUse::Free => "yes".to_owned(),
                };
                row(
                    &mut page,
                    &[
                        &format!("`{}`", field.field),
                        field.from,
                        field.write.as_str(),
                        &usage,
                    ],
                );
            }
        }
    }
    page
}

fn row(page: &mut String, cells: &[&str]) {
    for cell in cells {
        page.push_str("| ");
        page.push_str(&cell.replace('|', "\\|"));
        page.push(' ');
    }
    page.push_str("|\n");
}
