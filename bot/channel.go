package bot

import (
	"context"
	"strings"

	"github.com/slack-go/slack"
)

// noChannel is a #name that no channel has.
type noChannel string

func (n noChannel) Error() string { return "no channel " + string(n) + " that pullphone can see" }

// Channel finds a line's channel by its ID or #name.
func Channel(ctx context.Context, api *slack.Client, ref string) (*slack.Channel, error) {
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
			return nil, noChannel(ref)
		}
		cursor = next
	}
}
