-- The rule that lets the two agents that come with the program improve themselves. Here, so that it is made once: people may take it away.
-- up
INSERT INTO approval_rules (
  id, name, description, status, approval_type, tool_names, conditions, action, action_note, priority,
  applies_to_sessions, applies_to_workflows, owner_kind, owner_id
) VALUES (
  '01936f8e-0000-7000-8000-000000000001', 'demo agents may improve themselves',
  'Lets better versions of the two agents that come with the program go live. Made at the first start.',
  'active', 'improvement', '["packer", "extract"]', '{}', 'approve', 'a demo agent', 0, '[]', '[]', 'node', 'node'
);

-- down
DELETE FROM approval_rules WHERE id = '01936f8e-0000-7000-8000-000000000001';
