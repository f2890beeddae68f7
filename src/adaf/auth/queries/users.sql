-- name: user_credentials
-- sample: SELECT email FROM users ORDER BY id LIMIT 20
SELECT id, password_hash, is_test_account
FROM users
WHERE email = $1;

-- name: user_profile
-- sample: SELECT id FROM users ORDER BY id LIMIT 20
SELECT id, email, name, role
FROM users
WHERE id = $1;
