package main

import (
	"context"
	"encoding/json"
	"fmt"

	"pullphone/cmd/pullphone/config"
	"pullphone/store"
)

// phones says whose phone took none of our last texts. They are told in Slack all the same, so it is a note.
func (c *checker) phones(ctx context.Context, cfg *config.Config) {
	all, err := troubles(ctx, cfg)
	if err != nil {
		return // the store's own check says what is wrong with it
	}
	for _, t := range all {
		if p, ok := team(cfg).PersonByPhone(t.Phone); ok {
			texts := "last text"
			if t.Texts > 1 {
				texts = fmt.Sprintf("last %d texts", t.Texts)
			}
			c.warn("phone of "+p.Name, "took none of the %s: %s", texts, t.Why)
		}
	}
}

// troubles asks the running server, or the store when none runs.
func troubles(ctx context.Context, cfg *config.Config) (all []store.Trouble, err error) {
	res, err := askAdmin(ctx, cfg, "/phones")
	if err != nil {
		return nil, err
	}
	if res != nil {
		defer res.Body.Close()
		err := json.NewDecoder(res.Body).Decode(&all)
		return all, err
	}
	db, err := storageOf(cfg).read(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	st, err := store.OpenHistory(ctx, db, team(cfg))
	if err != nil {
		return nil, err
	}
	return st.Troubles(ctx)
}
