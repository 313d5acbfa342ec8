package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"
)

// channel finds a line's channel by its ID or #name.
func channel(ctx context.Context, api *slack.Client, ref string) (*slack.Channel, error) {
	name, named := strings.CutPrefix(ref, "#")
	if !named {
		return api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: ref})
	}
	for cursor := ""; ; {
		page, next, err := api.GetConversationsContext(ctx, &slack.GetConversationsParameters{
			Types: []string{"public_channel", "private_channel"}, ExcludeArchived: true, Limit: 1000, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			if c.Name == name {
				return &c, nil
			}
		}
		if next == "" {
			return nil, fmt.Errorf("no channel %s that pullphone can see", ref)
		}
		cursor = next
	}
}
