//! The type of a file by its bytes: what its sender says of it is never trusted.

/// Where the parts of an archive are looked for, from either end.
const WINDOW: usize = 64 * 1024;

/// Its media type; `application/octet-stream` for what is not known.
pub(super) fn sniffed(content: &[u8]) -> &'static str {
    const SIGNS: [(&[u8], &str); 7] = [
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF8", "image/gif"),
        (b"%PDF-", "application/pdf"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
        (b"BM", "image/bmp"),
    ];
    const HEIC: [&[u8; 4]; 5] = [b"heic", b"heix", b"hevc", b"mif1", b"msf1"];
    if content.starts_with(b"RIFF") && content.get(8..12) == Some(b"WEBP") {
        return "image/webp";
    }
    let brand = content
        .get(8..12)
        .filter(|_| content.get(4..8) == Some(b"ftyp"));
    if HEIC.iter().any(|heic| brand == Some(&heic[..])) {
        return "image/heic";
    }
    if content.starts_with(b"PK\x03\x04") && names(content, b"word/document.xml") {
        return "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    }
    let found = SIGNS.iter().find(|(sign, kind)| {
        // Two letters are no sign by themselves: a bitmap says its own length, too.
        let is_whole = *kind != "image/bmp" || bitmap_length(content) == Some(content.len());
        content.starts_with(sign) && is_whole
    });
    found.map_or("application/octet-stream", |(_, kind)| kind)
}

fn bitmap_length(content: &[u8]) -> Option<usize> {
    let length = content.get(2..6)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(length)).ok()
}

/// Whether an archive's first or last entries have a part of this name.
fn names(content: &[u8], part: &[u8]) -> bool {
    let head = content.get(..WINDOW).unwrap_or(content);
    let tail = content.get(content.len().saturating_sub(WINDOW)..);
    [Some(head), tail]
        .into_iter()
        .flatten()
        .any(|window| window.windows(part.len()).any(|found| found == part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_say() {
        let docx = [&b"PK\x03\x04...."[..], b"word/document.xml", b"..."].concat();
        let bitmap = b"BM\x0a\0\0\0rest";
        for (content, kind) in [
            (&b"%PDF-1.7 ..."[..], "application/pdf"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (b"\0\0\0\x18ftypheix", "image/heic"),
            (b"II*\0....", "image/tiff"),
            (
                &docx,
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (bitmap, "image/bmp"),
            (b"BMW is no bitmap", "application/octet-stream"),
            (b"PK\x03\x04 an archive", "application/octet-stream"),
            (b"<script>", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ] {
            assert_eq!(sniffed(content), kind, "{content:?}");
        }
    }
}
