use super::*;

#[test]
fn every_line_of_the_data_file_is_understood() {
    let text = include_str!("kinds.txt");
    let count = |prefix: &str| text.lines().filter(|line| line.starts_with(prefix)).count();
    assert_eq!(BUILTIN.models.len(), count("type "));
    assert_eq!(BUILTIN.kinds.len(), count("kind "));
    assert_eq!(resources().len(), count("resource "));
    let fields: usize = BUILTIN
        .arena
        .nodes
        .iter()
        .filter_map(|node| match &node.shape {
            crate::types::node::Shape::Object(object) => Some(object.fields.len()),
            _ => None,
        })
        .sum();
    let subresources: usize = resources().iter().map(|r| r.subresources.len()).sum();
    assert_eq!(fields + subresources, count(" "));
}

#[test]
fn a_model_of_every_served_kind_is_known() {
    for resource in resources() {
        // The kinds of streams and reviews of pods are the only ones without a schema of their own.
        assert!(
            kind(resource.group, resource.version, resource.kind).is_some(),
            "{}/{} {}",
            resource.group,
            resource.version,
            resource.kind
        );
    }
    assert!(kind("apps", "v1", "Nothing").is_none());
    assert!(named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").is_some());
}

#[test]
fn the_table_tells_scope_names_and_subresources() {
    let deployments = resource("apps", "v1", "deployments").unwrap();
    assert_eq!(deployments.short_names, ["deploy"]);
    assert!(deployments.namespaced && deployments.enabled);
    let scale = deployments
        .subresources
        .iter()
        .find(|sub| sub.name == "scale")
        .unwrap();
    assert_eq!(
        (scale.group, scale.version, scale.kind),
        ("autoscaling", "v1", "Scale")
    );
    assert!(!resource_of_kind("", "v1", "Namespace").unwrap().namespaced);
    assert!(
        !resource("resource.k8s.io", "v1alpha3", "devicetaintrules")
            .unwrap()
            .enabled
    );
}
