module trueup.dev/tests/go/kustomize

go 1.24
