//! The file `.gitmodules`: which folders are other repositories.

/// Path and address of each submodule that names both.
pub(super) fn parse(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut current: Option<(String, String)> = None;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            found.extend(current.take());
            if line.starts_with("[submodule") {
                current = Some((String::new(), String::new()));
            }
        } else if let (Some((path, url)), Some((key, value))) = (&mut current, line.split_once('='))
        {
            let value = value.trim().trim_matches('"').to_owned();
            match key.trim().to_ascii_lowercase().as_str() {
                "path" => *path = value,
                "url" => *url = value,
                _ => {}
            }
        }
    }
    found.extend(current);
    found.retain(|(path, url)| !path.is_empty() && !url.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_section_names_a_path_and_an_address() {
        let text = "# none\n[submodule \"x\"]\n\tpath = a/b\n\tURL = \"../s.git\"\n\tbranch = main\n\
                    [core]\n\tpath = no\n[submodule \"y\"]\n\tpath = c\n";
        assert_eq!(parse(text), [("a/b".to_owned(), "../s.git".to_owned())]);
    }
}
