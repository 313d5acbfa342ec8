package config

import (
	"errors"
	"strings"
)

// Store says where calls are kept: in a bbolt file if Path is set, else in etcd.
type Store struct {
	Path      string   // of the bbolt file; relative to the working directory
	Endpoints []string // of etcd, host:port each
	Prefix    string   // of every key in etcd; no slash at either end
}

// String is the store as the config file has it, such as bolt:pullphone.db.
func (s Store) String() string {
	if s.Path != "" {
		return "bolt:" + s.Path
	}
	return "etcd://" + strings.Join(s.Endpoints, ",") + "/" + s.Prefix
}

// ParseStore reads bolt:PATH or etcd://host:port[,host:port…]/prefix. Its
// error completes a sentence that begins with what was to be read.
func ParseStore(s string) (Store, error) {
	const boltRight = "write bolt:PATH, like bolt:pullphone.db"
	const etcdRight = "write etcd://host:port[,host:port]/prefix, like etcd://127.0.0.1:2379/pullphone"
	if rest, ok := strings.CutPrefix(s, "etcd://"); ok {
		endpoints, prefix, _ := strings.Cut(rest, "/")
		prefix = strings.Trim(prefix, "/")
		if strings.Contains(endpoints, "@") {
			return Store{}, errors.New("holds a user name or password, which is not supported; " + etcdRight)
		}
		if prefix == "" {
			return Store{}, errors.New("names no prefix for its keys in etcd; " + etcdRight)
		}
		if strings.ContainsAny(prefix, "?# ") {
			return Store{}, errors.New("has a prefix with a space, ? or # in it; " + etcdRight)
		}
		list := strings.Split(endpoints, ",")
		for _, e := range list {
			if !validAddress(e, false) {
				return Store{}, errors.New("names an etcd server otherwise than by host:port; " + etcdRight)
			}
		}
		return Store{Endpoints: list, Prefix: prefix}, nil
	}
	path, ok := strings.CutPrefix(s, "bolt:")
	switch {
	case !ok:
		return Store{}, errors.New("is neither a bbolt file nor etcd; write bolt:PATH or etcd://host:port/prefix")
	case strings.TrimSpace(path) == "":
		return Store{}, errors.New("names no file; " + boltRight)
	case strings.HasPrefix(path, "//"):
		return Store{}, errors.New("has slashes after bolt:, though it is no URL; " + boltRight)
	case strings.HasSuffix(path, "/"):
		return Store{}, errors.New("names a folder, not a file; " + boltRight)
	}
	return Store{Path: path}, nil
}

func (v value) store(preset Store) Store {
	s, ok := v.text()
	if !ok {
		return preset
	}
	store, err := ParseStore(s)
	if err != nil {
		v.fail("%v", err) // without the value: it may hold a password
	}
	return store
}
