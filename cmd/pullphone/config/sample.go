package config

import _ "embed"

// Sample is a complete config file in which each key is explained. It loads
// when the environment variables it names are set.
//
//go:embed sample.yml
var Sample []byte
