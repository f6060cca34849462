//! Which representation the client wants, by its `Accept` header.

use crate::status::ApiError;

/// What a reply is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The object or list itself.
    Object,
    /// A server-side printed table.
    Table,
    /// Metadata only.
    PartialMetadata,
    /// Metadata only, always as a list.
    PartialMetadataList,
    /// Aggregated discovery.
    Discovery,
}

/// The representation chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) form: Form,
    /// `v1`, `v1beta1`, `v2`, `v2beta1`; empty for [`Form::Object`].
    pub(crate) version: String,
    pub(crate) yaml: bool,
}

impl Accepted {
    pub(crate) const JSON: Self = Self {
        form: Form::Object,
        version: String::new(),
        yaml: false,
    };

    /// The `Content-Type` of the reply.
    pub(crate) fn media_type(&self) -> &'static str {
        if self.yaml {
            "application/yaml"
        } else {
            "application/json"
        }
    }
}

// The real server also offers Protobuf; saying so keeps the words of its answer.
const OFFERED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// Chooses the first representation of the header that this server has.
pub(crate) fn negotiate(header: &str) -> Result<Accepted, ApiError> {
    if header.trim().is_empty() {
        return Ok(Accepted::JSON);
    }
    header
        .split(',')
        .find_map(candidate)
        .ok_or_else(|| ApiError::not_acceptable(OFFERED))
}

fn candidate(clause: &str) -> Option<Accepted> {
    let mut parts = clause.split(';').map(str::trim);
    let yaml = match parts.next()? {
        "application/json" | "application/*" | "*/*" => false,
        "application/yaml" => true,
        _ => return None,
    };
    let (mut form, mut group, mut version, mut profile) = ("", "", "", "");
    for part in parts {
        let (key, value) = part.split_once('=')?;
        match key.trim() {
            "as" => form = value.trim(),
            "g" => group = value.trim(),
            "v" => version = value.trim(),
            "profile" => profile = value.trim(),
            // `q`, `charset`, `stream` and `pretty` do not change what is chosen.
            _ => {}
        }
    }
    if form.is_empty() {
        return Some(Accepted {
            form: Form::Object,
            version: String::new(),
            yaml,
        });
    }
    let form = match (group, form) {
        ("meta.k8s.io", "Table") => Form::Table,
        ("meta.k8s.io", "PartialObjectMetadata") => Form::PartialMetadata,
        ("meta.k8s.io", "PartialObjectMetadataList") => Form::PartialMetadataList,
        // Discovery without peers is all there is: the `nopeer` profile changes nothing.
        ("apidiscovery.k8s.io", "APIGroupDiscoveryList") if matches!(profile, "" | "nopeer") => {
            Form::Discovery
        }
        _ => return None,
    };
    let known = match form {
        Form::Discovery => matches!(version, "v2" | "v2beta1"),
        _ => matches!(version, "v1" | "v1beta1"),
    };
    known.then(|| Accepted {
        form,
        version: version.to_owned(),
        yaml,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_representation_we_have_is_chosen() {
        let rows = [
            ("", Form::Object, "", false),
            ("*/*", Form::Object, "", false),
            (
                "application/vnd.kubernetes.protobuf, application/json",
                Form::Object,
                "",
                false,
            ),
            ("application/yaml", Form::Object, "", true),
            (
                "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
                Form::Table,
                "v1",
                false,
            ),
            (
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                Form::PartialMetadataList,
                "v1",
                false,
            ),
            (
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
                Form::Discovery,
                "v2",
                false,
            ),
            (
                "application/json;as=Nope;v=v1;g=meta.k8s.io,application/json",
                Form::Object,
                "",
                false,
            ),
        ];
        for (header, form, version, yaml) in rows {
            let accepted = negotiate(header).unwrap();
            assert_eq!(
                accepted,
                Accepted {
                    form,
                    version: version.into(),
                    yaml
                },
                "{header}"
            );
        }
        assert_eq!(
            negotiate("application/vnd.kubernetes.protobuf")
                .unwrap_err()
                .code(),
            406
        );
    }
}
