SELECT sign_up FROM door WHERE id = 1
