module trueup.dev/tests/go/template

go 1.26.0
